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
        CREATE TABLE IF NOT EXISTS orders (
          id uuid PRIMARY KEY,
          reservation_id uuid NOT NULL,
          user_id uuid NOT NULL,
          status text NOT NULL CHECK (status IN ('awaiting-payment', 'paid', 'confirmed', 'cancelled', 'refunded')),
          items jsonb,
          total_cents bigint,
          currency text,
          expires_at timestamptz,
          payment_id uuid,
          declined_payments int NOT NULL DEFAULT 0,
          created_at timestamptz NOT NULL DEFAULT now()
        ) WITH (fillfactor = 50)`.execute(db);
      await sql`CREATE INDEX IF NOT EXISTS orders_of_user ON orders (user_id, id DESC)`.execute(db);
    },
  },
  '0010-outbox-lease': { up: addProcessLeases },
  '0060-event-contexts': { up: addEventContexts },
};
