import { comparePairs, type Check } from '../check.ts';
import { merge, type Pair } from '../merge.ts';
import { mayBeRemoved } from '../removed.ts';

export interface BillRow {
  key: string;
  status: string;
  payment_id: string | null;
  total_cents: number | null;
  currency: string | null;
}
export interface Charge {
  id: string;
  status: 'captured' | 'refunded';
  amountCents: number;
  currency: string;
}
/** All payments of one order whose money has moved. */
export interface ChargesRow {
  key: string;
  charges: Charge[];
}

export const chargesEqualOrders: Check = {
  invariant: 3,
  title: 'each charge ends in a confirmed order of that amount, or a refund',
  unit: ['order', 'orders'],
  run: ({ stream }) =>
    comparePairs(
      merge(
        stream<BillRow>('order', 'SELECT id AS key, status, payment_id, total_cents, currency FROM orders ORDER BY id'),
        stream<ChargesRow>(
          'payment',
          `SELECT order_id AS key,
                  json_agg(json_build_object('id', id, 'status', status, 'amountCents', amount_cents,
                                             'currency', currency) ORDER BY id) AS charges
             FROM payments WHERE status IN ('captured', 'refunded') GROUP BY order_id ORDER BY order_id`,
        ),
      ),
      (pair) => wrongWithBill(pair),
    ),
};

export function wrongWithBill(
  { key, left: order, right }: Pair<BillRow, ChargesRow>,
  now = new Date(),
): string | undefined {
  const charges = right?.charges ?? [];
  const isAllRefunded = charges.every(({ status }) => status === 'refunded');
  if (!order && isAllRefunded && mayBeRemoved(key, now)) return undefined;
  if (!order) return `payment ${charges[0]?.id} was captured for order ${key}, which there is not`;
  const captured = charges.filter(({ status }) => status === 'captured');
  if (order.status === 'confirmed') {
    const [charge] = captured;
    if (!charge) return `order ${key} is confirmed without a captured payment`;
    if (charge.id !== order.payment_id) {
      return `order ${key} was paid by ${order.payment_id}, but payment ${charge.id} is captured`;
    }
    if (charge.amountCents !== order.total_cents || charge.currency !== order.currency) {
      const [asked, paid] = [`${order.total_cents} ${order.currency}`, `${charge.amountCents} ${charge.currency}`];
      return `order ${key} is of ${asked} (cents), its payment ${charge.id} of ${paid}`;
    }
    return undefined;
  }
  if (captured[0]) return `order ${key} is ${order.status}, and its payment ${captured[0].id} was not refunded`;
  if (order.status === 'refunded' && !charges.some(({ id }) => id === order.payment_id)) {
    return `order ${key} is refunded, but no payment of it is`;
  }
  return undefined;
}
