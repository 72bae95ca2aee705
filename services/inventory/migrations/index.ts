import { sql, type Kysely, type Migration } from 'kysely';
import { buildIndex } from '@flash-sale/shared/db/build-index.ts';
import {
  addEventContexts,
  addProcessLeases,
  createMessagingTables,
} from '@flash-sale/shared/messaging/housekeeping.ts';

/**
 * Marks what a demo of the releases before has made: all twenty in one transaction, so with one time of creation. Their stock
 * is locked first and in the order of ids, as by the lane before it changes products, or the two deadlock.
 */
export const markDemoProducts = (db: Kysely<unknown>) =>
  sql`
    UPDATE products SET demo = true WHERE id IN (
      SELECT s.product_id FROM stock s JOIN products p ON p.id = s.product_id
       WHERE NOT p.demo AND p.created_at IN (
         SELECT created_at FROM products GROUP BY created_at
         HAVING count(*) = 20 AND bool_or(name = 'Comet sneakers (flash sale)'))
       ORDER BY s.product_id FOR UPDATE OF s)`.execute(db);

export const migrations: Record<string, Migration> = {
  '0001-schema': {
    async up(db: Kysely<unknown>) {
      await createMessagingTables(db);
      await sql`
        CREATE TABLE IF NOT EXISTS products (
          id uuid PRIMARY KEY,
          name text NOT NULL,
          price_cents bigint NOT NULL CHECK (price_cents >= 0),
          currency char(3) NOT NULL,
          limit_per_user bigint CHECK (limit_per_user > 0),
          sale_starts_at timestamptz,
          sale_ends_at timestamptz,
          created_at timestamptz NOT NULL DEFAULT now()
        )`.execute(db);
      // Pages stay half empty so that a hot row is updated in place (HOT) without touching its index.
      await sql`
        CREATE TABLE IF NOT EXISTS stock (
          product_id uuid PRIMARY KEY REFERENCES products,
          total bigint NOT NULL,
          held bigint NOT NULL,
          sold bigint NOT NULL,
          version bigint NOT NULL,
          CONSTRAINT never_oversold CHECK (held >= 0 AND sold >= 0 AND held + sold <= total)
        ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`.execute(db);
      await sql`
        CREATE TABLE IF NOT EXISTS holds (
          reservation_id uuid PRIMARY KEY,
          order_id uuid NOT NULL,
          user_id uuid NOT NULL,
          state text NOT NULL CHECK (state IN ('held', 'committed', 'released')),
          items jsonb NOT NULL,
          expires_at timestamptz NOT NULL
        ) WITH (fillfactor = 80)`.execute(db);
      await sql`CREATE INDEX IF NOT EXISTS holds_due ON holds (expires_at) WHERE state = 'held'`.execute(db);
      await sql`
        CREATE TABLE IF NOT EXISTS buyer_units (
          product_id uuid NOT NULL REFERENCES products,
          user_id uuid NOT NULL,
          units bigint NOT NULL CHECK (units >= 0),
          PRIMARY KEY (product_id, user_id)
        )`.execute(db);
    },
  },
  '0002-products-change': {
    async up(db: Kysely<unknown>) {
      await sql`ALTER TABLE stock ADD COLUMN IF NOT EXISTS revision bigint NOT NULL DEFAULT 1`.execute(db);
    },
  },
  '0010-outbox-lease': { up: addProcessLeases },
  '0020-publishing-processes': {
    async up(db: Kysely<unknown>) {
      // Few rows, each written once a second by its process: a page of them is kept for ever by updates in place.
      await sql`
        CREATE TABLE IF NOT EXISTS publishing_processes (
          process uuid PRIMARY KEY,
          seen_at timestamptz NOT NULL,
          unwritten_since timestamptz
        ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`.execute(db);
    },
  },
  '0040-unpaid-and-listed': {
    async up(db: Kysely<unknown>) {
      // What one shopper holds unpaid, summed up at every reservation. A hold leaves it when it is committed or released.
      await buildIndex(db, 'holds_unpaid', "holds (user_id) WHERE state = 'held'");
      // `demo`: products that a demo has made, by this release or one before. Its own sale takes them out of the shop window.
      await sql`
        ALTER TABLE products
          ADD COLUMN IF NOT EXISTS listed boolean NOT NULL DEFAULT true,
          ADD COLUMN IF NOT EXISTS demo boolean NOT NULL DEFAULT false`.execute(db);
      await markDemoProducts(db);
    },
  },
  '0060-event-contexts': { up: addEventContexts },
};
