import { sql, type Kysely } from 'kysely';
import type { InventoryTables } from './tables.ts';

/** Another process of the inventory, as its last sign of life tells of it. */
export interface Peer {
  process: string;
  /** By the database's clock, when it said so, in ms ago. */
  ageMs: number;
  /** Whether it owed a level then. */
  owes: boolean;
}

/** The processes that change stock: each says now and then that it lives, and whether Redis has all of its levels. */
export class PublishingProcesses {
  readonly #background: Kysely<InventoryTables>;
  readonly #own: string;

  constructor(options: { background: Kysely<InventoryTables>; process: string }) {
    this.#background = options.background;
    this.#own = options.process;
  }

  /** Says that this process lives. @returns what the others have said last */
  async sayAlive(owes: boolean): Promise<Peer[]> {
    const { rows } = await sql<Peer>`
      WITH said AS (
        INSERT INTO publishing_processes AS p (process, seen_at, unwritten_since)
        VALUES (${this.#own}, clock_timestamp(), CASE WHEN ${owes}::boolean THEN clock_timestamp() END)
        ON CONFLICT (process) DO UPDATE
          SET seen_at = excluded.seen_at,
              unwritten_since = CASE WHEN ${owes}::boolean THEN coalesce(p.unwritten_since, excluded.seen_at) END)
      SELECT process, unwritten_since IS NOT NULL AS owes,
             greatest(0, extract(epoch FROM clock_timestamp() - seen_at) * 1000)::float8 AS "ageMs"
        FROM publishing_processes WHERE process <> ${this.#own}`.execute(this.#background);
    return rows;
  }

  /** Strikes out processes that died, unless they have said something since. */
  async strikeOut(processes: string[], silentForMs: number): Promise<void> {
    await sql`
      DELETE FROM publishing_processes
       WHERE process = ANY(${processes}::uuid[])
         AND seen_at < clock_timestamp() - ${silentForMs} * interval '1 millisecond'`.execute(this.#background);
  }

  /** To be called at the end by who owes nothing, so that nobody needs to clear up behind it. */
  async signOff(): Promise<void> {
    await sql`DELETE FROM publishing_processes WHERE process = ${this.#own}`.execute(this.#background);
  }
}
