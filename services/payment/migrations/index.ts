import { sql, type Kysely, type Migration } from 'kysely';
import {
  addEventContexts,
  addProcessLeases,
  createMessagingTables,
} from '@flash-sale/shared/messaging/housekeeping.ts';

export const migrations: Record<string, Migration> = {
  '0001-schema': {
    async up(db: Kysely<unknown>) {
      await createMessagingTables(db);
      await sql`
        CREATE TABLE IF NOT EXISTS payables (
          order_id uuid PRIMARY KEY,
          status text NOT NULL CHECK (status IN ('awaited', 'open', 'closed')),
          amount_cents bigint CHECK (amount_cents >= 0),
          currency text,
          expires_at timestamptz,
          payment_id uuid
        ) WITH (fillfactor = 60)`.execute(db);
      await sql`
        CREATE TABLE IF NOT EXISTS payments (
          id uuid PRIMARY KEY,
          order_id uuid NOT NULL,
          user_id uuid NOT NULL,
          idempotency_key text NOT NULL,
          method_token text NOT NULL,
          status text NOT NULL CHECK (status IN ('pending', 'captured', 'declined', 'refunded')),
          amount_cents bigint CHECK (amount_cents >= 0),
          currency text,
          reason text,
          created_at timestamptz NOT NULL DEFAULT now(),
          UNIQUE (user_id, idempotency_key)
        ) WITH (fillfactor = 60)`.execute(db);
      await sql`
        CREATE INDEX IF NOT EXISTS payments_waiting ON payments (created_at)
          WHERE status = 'pending' AND amount_cents IS NULL`.execute(db);
      // The last word on charging twice: whatever the code does, one order has one captured payment.
      await sql`
        CREATE UNIQUE INDEX IF NOT EXISTS one_capture_per_order ON payments (order_id)
          WHERE status = 'captured'`.execute(db);
    },
  },
  '0010-outbox-lease': { up: addProcessLeases },
  '0060-event-contexts': { up: addEventContexts },
  '0061-payable-origin': {
    async up(db: Kysely<unknown>) {
      await sql`ALTER TABLE payables ADD COLUMN IF NOT EXISTS origin text`.execute(db);
    },
  },
};
