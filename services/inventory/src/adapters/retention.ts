import { sql, type Kysely } from 'kysely';
import { Removal } from '@flash-sale/shared/service/retention.ts';
import type { InventoryTables } from './tables.ts';

/** Holds whose units went back on sale. */
export const releasedHolds = (db: Kysely<InventoryTables>): Removal =>
  new Removal(db as Kysely<never>, {
    table: 'holds',
    id: 'reservation_id',
    when: (before) => sql`t.state = 'released' AND t.expires_at < ${before.toISOString()}`,
  });
