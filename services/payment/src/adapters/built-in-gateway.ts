import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { sql, type Kysely, type Migration } from 'kysely';
import { Batcher } from '@flash-sale/shared/messaging/batcher.ts';
import type { Charge, Gateway, Outcome } from '../gateway.ts';

const slowMs = 2_000;

interface Entry {
  payment_id: string;
  outcome: 'captured' | 'declined';
  attempts: number;
}

export const ledgerMigrations: Record<string, Migration> = {
  '0001-ledger': {
    async up(db: Kysely<unknown>) {
      await sql`
        CREATE TABLE IF NOT EXISTS ledger (
          payment_id uuid PRIMARY KEY,
          order_id uuid NOT NULL,
          amount_cents bigint NOT NULL,
          currency text NOT NULL,
          outcome text NOT NULL CHECK (outcome IN ('captured', 'declined')),
          attempts int NOT NULL DEFAULT 1,
          created_at timestamptz NOT NULL DEFAULT now(),
          refunded_at timestamptz
        )`.execute(db);
    },
  },
};

const record = {
  name: 'record-charges',
  text: `INSERT INTO ledger (payment_id, order_id, amount_cents, currency, outcome)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[])
         ON CONFLICT (payment_id) DO UPDATE SET attempts = ledger.attempts + 1
         RETURNING payment_id, outcome, attempts`,
};
const sendBack = {
  name: 'send-back',
  text: `UPDATE ledger SET refunded_at = coalesce(refunded_at, now())
          WHERE payment_id = ANY($1::uuid[]) AND outcome = 'captured' RETURNING payment_id`,
};

/**
 * Stands in for a real gateway, with a ledger of its own that an audit can compare. The token decides what happens:
 * tok_ok, tok_declined, tok_slow (2 s), tok_error_once (the first try fails), tok_timeout (the first try never answers,
 * though the money moves). Any other token is declined.
 */
export function builtInGateway(
  databaseUrl: string,
  onError: (error: Error) => void,
): Gateway & { close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 1,
    connectionTimeoutMillis: 2_000,
    statement_timeout: 5_000,
    query_timeout: 6_000,
  });
  pool.on('error', onError);
  const limits = { maxItems: 256, maxQueued: 20_000 };

  const charges = new Batcher<Charge, Entry>({
    ...limits,
    async flush(batch) {
      // In the order of ids, each once, so that two batches with the same charges cannot deadlock.
      const sorted = [...new Map(batch.map((charge) => [charge.paymentId, charge])).values()].sort((a, b) =>
        a.paymentId < b.paymentId ? -1 : 1,
      );
      const { rows } = await pool.query<Entry>({
        ...record,
        values: [
          sorted.map((c) => c.paymentId),
          sorted.map((c) => c.orderId),
          sorted.map((c) => c.amountCents),
          sorted.map((c) => c.currency),
          sorted.map((c) => (isGood(c.methodToken) ? 'captured' : 'declined')),
        ],
      });
      const entries = new Map(rows.map((row) => [row.payment_id, row]));
      return batch.map(({ paymentId }) => entries.get(paymentId)!);
    },
  });
  const refunds = new Batcher<string, boolean>({
    ...limits,
    async flush(ids) {
      const { rows } = await pool.query<{ payment_id: string }>({ ...sendBack, values: [[...new Set(ids)].sort()] });
      const done = new Set(rows.map((row) => row.payment_id));
      return ids.map((id) => done.has(id));
    },
  });

  return {
    async capture(charge): Promise<Outcome> {
      const { methodToken } = charge;
      if (methodToken === 'tok_slow') await sleep(slowMs);
      const { outcome, attempts } = await charges.run(charge);
      if (methodToken === 'tok_error_once' && attempts === 1) throw new Error('the gateway had an internal error');
      // Never answers; the caller has a timeout.
      if (methodToken === 'tok_timeout' && attempts === 1) await new Promise(() => {});
      if (outcome === 'captured') return { captured: true };
      return { captured: false, reason: methodToken === 'tok_declined' ? 'card-declined' : 'unknown-token' };
    },
    async refund(paymentId) {
      if (!(await refunds.run(paymentId))) throw new Error(`the gateway has captured nothing for ${paymentId}`);
    },
    close: () => pool.end(),
  };
}

const isGood = (token: string) => ['tok_ok', 'tok_slow', 'tok_error_once', 'tok_timeout'].includes(token);
