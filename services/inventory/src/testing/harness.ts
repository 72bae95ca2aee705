import { pino } from 'pino';
import pg from 'pg';
import { LaneConnection } from '@flash-sale/shared/db/lane-connection.ts';
import { migrate } from '@flash-sale/shared/db/migrate.ts';
import { Lane } from '@flash-sale/shared/messaging/lane.ts';
import type { StockLevel } from '@flash-sale/shared/redis/stock-view.ts';
import { createTestDatabase } from '../../../../infra/testing/database.ts';
import { migrations } from '../../migrations/index.ts';
import { inventoryUnitOfWork, type InventoryLane } from '../adapters/unit-of-work.ts';
import { noUnpaidBound } from '../domain/state.ts';
import type { HoldSettings } from '../domain/hold.ts';
import { aProduct } from './builders.ts';

/** An inventory database with lanes on it, one for each instance of the service, without HTTP. */
export async function openInventory() {
  const database = await createTestDatabase('inventory');
  await migrate(database.ownerUrl, migrations);
  const admin = new pg.Pool({ connectionString: database.adminUrl, max: 2 });
  admin.on('error', () => {}); // faults end its connections, too
  const opened: (() => Promise<void>)[] = [];
  const published: StockLevel[] = [];
  const failed: StockLevel[] = [];
  const rows = async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await admin.query<R>(text, values)).rows;

  return {
    database,
    rows,
    /** Published levels, in the order of the commits. */
    published,
    /** Levels that failed transactions were to save. */
    failed,
    openLane(settings: Partial<HoldSettings> = {}): InventoryLane {
      const connection = new LaneConnection({ url: database.url, statementTimeoutMs: 10_000, onError: () => {} });
      const lane: InventoryLane = new Lane({
        service: 'inventory',
        connection,
        unitOfWork: inventoryUnitOfWork(
          { holdTtlMs: 120_000, unpaid: noUnpaidBound, ...settings },
          {
            announced: () => {},
            committed: (levels) => void published.push(...levels),
            failed: (levels) => void failed.push(...levels),
          },
        ),
        deliver: () => Promise.resolve(),
        log: pino({ level: 'silent' }),
        maxItems: 256,
        maxQueued: 20_000,
        outboxGraceMs: 60_000,
        inboxRetentionMs: 86_400_000,
      });
      opened.push(async () => {
        await lane.drained();
        await connection.close();
      });
      return lane;
    },
    /** Stores a product; answers its id. */
    async addProduct(units: number, limitPerUser: number | null = null): Promise<string> {
      const { id, name, priceCents, currency } = aProduct();
      await rows(`INSERT INTO products (id, name, price_cents, currency, limit_per_user) VALUES ($1, $2, $3, $4, $5)`, [
        id,
        name,
        priceCents,
        currency,
        limitPerUser,
      ]);
      await rows(`INSERT INTO stock (product_id, total, held, sold, version) VALUES ($1, $2, 0, 0, 1)`, [id, units]);
      return id;
    },
    stockOf: async (productId: string) =>
      (
        await rows<{ total: number; held: number; sold: number; version: number }>(
          'SELECT total, held, sold, version FROM stock WHERE product_id = $1',
          [productId],
        )
      )[0]!,
    /** The types of all events that the inventory has announced, in the order of their records. */
    announced: async () =>
      await rows<{ type: string; reservation: string; reason: string | null }>(
        `SELECT e->>'type' AS type, e->'data'->>'reservationId' AS reservation, e->'data'->>'reason' AS reason
             FROM outbox, json_array_elements(events) WITH ORDINALITY AS t (e, n) ORDER BY outbox.id, n`,
      ),
    /** Contradictions in the database; empty when all is well. */
    contradictions: () =>
      rows(`
        WITH lines AS (
          SELECT h.state, h.user_id, (i->>'productId')::uuid AS product_id, (i->>'quantity')::bigint AS quantity
            FROM holds h, jsonb_array_elements(h.items) i),
        counted AS (
          SELECT s.product_id, s.held, s.sold, s.total,
                 coalesce(sum(l.quantity) FILTER (WHERE l.state = 'held'), 0) AS in_holds,
                 coalesce(sum(l.quantity) FILTER (WHERE l.state = 'committed'), 0) AS in_commits
            FROM stock s LEFT JOIN lines l USING (product_id) GROUP BY s.product_id),
        bought AS (
          SELECT l.product_id, l.user_id, sum(l.quantity) FILTER (WHERE l.state <> 'released') AS units, p.limit_per_user
            FROM lines l JOIN products p ON p.id = l.product_id AND p.limit_per_user IS NOT NULL
           GROUP BY l.product_id, l.user_id, p.limit_per_user)
        SELECT 'stock' AS what, row_to_json(c) AS found FROM counted c
         WHERE held <> in_holds OR sold <> in_commits OR held + sold > total
        UNION ALL
        SELECT 'units', row_to_json(b) FROM bought b LEFT JOIN buyer_units u USING (product_id, user_id)
         WHERE coalesce(u.units, 0) <> coalesce(b.units, 0) OR coalesce(b.units, 0) > b.limit_per_user`),
    async close() {
      for (const close of opened) await close();
      await admin.end();
      await database.drop();
    },
  };
}
