import { comparePairs, type Check } from '../check.ts';
import { merge, type Pair } from '../merge.ts';

export interface PaymentRow {
  key: string;
  order_id: string;
  status: 'pending' | 'captured' | 'declined' | 'refunded';
  amount_cents: number | null;
  currency: string | null;
}
export interface LedgerRow {
  key: string;
  order_id: string;
  outcome: 'captured' | 'declined';
  amount_cents: number;
  currency: string;
  refunded: boolean;
}

export const paymentsEqualLedger: Check = {
  invariant: 3,
  title: 'payments equal the ledger of the gateway, one to one',
  unit: ['payment', 'payments'],
  run: ({ stream }) =>
    comparePairs(
      merge(
        stream<PaymentRow>(
          'payment',
          'SELECT id AS key, order_id, status, amount_cents, currency FROM payments ORDER BY id',
        ),
        stream<LedgerRow>(
          'gateway',
          `SELECT payment_id AS key, order_id, outcome, amount_cents, currency, refunded_at IS NOT NULL AS refunded
             FROM ledger ORDER BY payment_id`,
        ),
      ),
      wrongWithCharge,
    ),
};

/** What the ledger must say of a payment of each status. */
const expected = {
  captured: 'captured',
  refunded: 'captured and refunded',
  declined: 'declined',
} as const;

export function wrongWithCharge({ key, left: payment, right: entry }: Pair<PaymentRow, LedgerRow>): string | undefined {
  if (!payment) return `the ledger of the gateway has ${key} as ${inWords(entry!)}, and there is no such payment`;
  // Whether it may still be pending is another check.
  if (payment.status === 'pending') return undefined;
  if (!entry) {
    // Declined without asking the gateway: its order never came to be payable.
    if (payment.status === 'declined' && payment.amount_cents === null) return undefined;
    return `payment ${key} is ${payment.status}, and the ledger of the gateway does not know it`;
  }
  const found = inWords(entry);
  if (found !== expected[payment.status]) {
    return `payment ${key} is ${payment.status}, in the ledger of the gateway it is ${found}`;
  }
  if (entry.order_id !== payment.order_id) {
    return `payment ${key} is of order ${payment.order_id}, in the ledger of the gateway of ${entry.order_id}`;
  }
  if (entry.amount_cents !== payment.amount_cents || entry.currency !== payment.currency) {
    const [ours, theirs] = [payment, entry].map((row) => `${row.amount_cents} ${row.currency}`);
    return `payment ${key} is of ${ours} (cents), in the ledger of the gateway of ${theirs}`;
  }
  return undefined;
}

function inWords({ outcome, refunded }: LedgerRow): string {
  return refunded ? `${outcome} and refunded` : outcome;
}
