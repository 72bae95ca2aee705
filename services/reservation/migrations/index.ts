import { sql, type Kysely, type Migration } from 'kysely';
import { buildIndex, dropIndex } from '@flash-sale/shared/db/build-index.ts';
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
        CREATE TABLE IF NOT EXISTS carts (
          id uuid PRIMARY KEY,
          user_id uuid NOT NULL,
          items jsonb NOT NULL,
          reservation_id uuid,
          created_at timestamptz NOT NULL DEFAULT now()
        ) WITH (fillfactor = 60)`.execute(db);
      await sql`
        CREATE TABLE IF NOT EXISTS reservations (
          id uuid PRIMARY KEY,
          order_id uuid NOT NULL UNIQUE,
          user_id uuid NOT NULL,
          cart_id uuid NOT NULL,
          idempotency_key text NOT NULL,
          status text NOT NULL CHECK (status IN ('pending', 'held', 'rejected', 'released', 'completed')),
          cancel_requested boolean NOT NULL DEFAULT false,
          items jsonb NOT NULL,
          total_cents bigint,
          currency text,
          expires_at timestamptz,
          reason text,
          created_at timestamptz NOT NULL DEFAULT now(),
          UNIQUE (user_id, idempotency_key)
        ) WITH (fillfactor = 50)`.execute(db);
    },
  },
  '0010-outbox-lease': { up: addProcessLeases },
  '0040-bounds-and-retention': {
    async up(db: Kysely<unknown>) {
      // Keys of reservations that were removed: as long as they are here, they buy nothing again.
      await sql`
        CREATE TABLE IF NOT EXISTS used_keys (
          user_id uuid NOT NULL,
          idempotency_key text NOT NULL,
          cart_id uuid NOT NULL,
          reason text,
          removed_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (user_id, idempotency_key)
        )`.execute(db);
      await sql`CREATE INDEX IF NOT EXISTS used_keys_age ON used_keys (removed_at)`.execute(db);
    },
  },
  '0050-given-back': {
    async up(db: Kysely<unknown>) {
      // What is cancelled counts against its shopper, too. The release before leaves it null.
      await sql`ALTER TABLE reservations ADD COLUMN IF NOT EXISTS cancelled_at timestamptz`.execute(db);
      // By nothing that changes in a reservation: with a status in an index, each change of it would have to write a new
      // entry into every index of the table. So did those of 0040.
      await buildIndex(db, 'reservations_of_user', 'reservations (user_id, id)');
      for (const index of ['reservations_open', 'reservations_left']) await dropIndex(db, index);
    },
  },
  '0060-event-contexts': { up: addEventContexts },
};
