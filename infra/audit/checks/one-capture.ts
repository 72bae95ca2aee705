import { maxFound, type Check } from '../check.ts';
import type { DatabaseName } from '../../launcher/database-names.ts';

interface DoubleCapture {
  order_id: string;
  payments: string[];
}

/** `kept`: the rows that stand for money taken and not given back. */
const oneCapture = (database: DatabaseName, table: string, id: string, kept: string, where: string): Check => ({
  invariant: 3,
  title: `no order is charged twice ${where}`,
  unit: ['charge kept', 'charges kept'],
  async run({ query }) {
    const [row] = await query<{ charges: number }>(database, `SELECT count(*) AS charges FROM ${table} WHERE ${kept}`);
    const wrong = await query<DoubleCapture>(
      database,
      `SELECT order_id, array_agg(${id}::text ORDER BY ${id}) AS payments FROM ${table} WHERE ${kept}
        GROUP BY order_id HAVING count(*) > 1 ORDER BY order_id LIMIT ${maxFound}`,
    );
    return { counted: row?.charges ?? 0, wrong: wrong.map(describeDoubleCapture) };
  },
});

export function describeDoubleCapture({ order_id: orderId, payments }: DoubleCapture): string {
  return `order ${orderId} is charged ${payments.length} times, by ${payments.join(', ')}`;
}

export const oneCaptureInPayments = oneCapture(
  'payment',
  'payments',
  'id',
  "status = 'captured'",
  'by the payment service',
);
export const oneCaptureInLedger = oneCapture(
  'gateway',
  'ledger',
  'payment_id',
  "outcome = 'captured' AND refunded_at IS NULL",
  'by the gateway',
);
