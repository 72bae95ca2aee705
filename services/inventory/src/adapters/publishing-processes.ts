import { sql, type Kysely } from 'kysely';
import type { InventoryTables } from './tables.ts';

/** The last report of another inventory process. */
export interface Peer {
  process: string;
  /** Age of the report in ms, by the database's clock. */
  ageMs: number;
  /** Whether it owed Redis a level at that time. */
  owes: boolean;
}

/** Reports of the processes that change stock: each regularly records that it is alive and whether Redis has all its levels. */
export class PublishingProcesses {
  readonly #background: Kysely<InventoryTables>;
  readonly #own: string;

  constructor(options: { background: Kysely<InventoryTables>; process: string }) {
    this.#background = options.background;
    this.#own = options.process;
  }

  /** Records this process's report. @returns the last reports of the others */
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

  /** Deletes the reports of dead processes, unless they have reported since. */
  async strikeOut(processes: string[], silentForMs: number): Promise<void> {
    await sql`
      DELETE FROM publishing_processes
       WHERE process = ANY(${processes}::uuid[])
         AND seen_at < clock_timestamp() - ${silentForMs} * interval '1 millisecond'`.execute(this.#background);
  }

  /** Deletes the own report. To be called on a clean stop, when nothing is owed, so that no other process has to clean up. */
  async signOff(): Promise<void> {
    await sql`DELETE FROM publishing_processes WHERE process = ${this.#own}`.execute(this.#background);
  }
}
