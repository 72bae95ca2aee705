import { sql, type Kysely, type QueryExecutorProvider, type RawBuilder } from 'kysely';
import { firstIdOf } from '../ids.ts';
import type { Transport } from '../messaging/transport.ts';

/** How often a service looks for what has outlived its use. */
export const pruneEveryMs = 60_000;
const rowsAtOnce = 1_000;
const pagesAtOnce = 50;
/** What was not due when the walk came by, or was locked, is looked at again in the next pass. */
const passEveryMs = 86_400_000;
const nil = '00000000-0000-0000-0000-000000000000';

/**
 * Until when rows may be removed: none is younger than `keptForMs`, nor than anything that waits in this service's own
 * outbox; and none at all while dead letters of the service lie there, or nobody can tell, for they may be replayed.
 */
export async function removableBefore(options: {
  db: QueryExecutorProvider;
  keptForMs: number;
  transport: Pick<Transport, 'deadLettersLeft'>;
}): Promise<Date | undefined> {
  const { db, keptForMs, transport } = options;
  if (transport.deadLettersLeft && (await transport.deadLettersLeft()) !== 0) return undefined;
  const { rows } = await sql<{ before: Date }>`
    SELECT least(statement_timestamp() - ${keptForMs} * interval '1 ms', min(created_at)) AS before FROM outbox`.execute(
    db,
  );
  return rows[0]!.before;
}

/** Rows of one table whose ids tell their age, and which of them may go. `t` stands for the table. */
export interface AgedRows {
  table: string;
  /** The column of the primary key; UUIDv7. */
  id: string;
  /** What must be true of a row besides its age. */
  when: (before: Date) => RawBuilder<unknown>;
  /** Where rows of other tables must be locked besides: parts of the statement that may read what is `due`. */
  locks?: RawBuilder<unknown>;
  /** What must be true as well, once all that is locked. */
  and?: RawBuilder<unknown>;
  /** What goes along: parts of the statement that may read what is `gone`. */
  also?: RawBuilder<unknown>;
}

/**
 * Removes old rows page by page in the order of their ids, so that no index is needed for it and each statement is short.
 * Rows that somebody else holds are left for the next pass: it never waits, so it is part of no deadlock.
 */
export class Removal {
  readonly #db: Kysely<unknown>;
  readonly #rows: AgedRows;
  #after = nil;
  #passBeganAtMs = performance.now();

  constructor(db: Kysely<never>, rows: AgedRows) {
    this.#db = db as unknown as Kysely<unknown>;
    this.#rows = rows;
  }

  get table(): string {
    return this.#rows.table;
  }

  /** @returns how many rows were removed; more may be left for the next time */
  async run(before: Date): Promise<number> {
    let removed = 0;
    if (performance.now() - this.#passBeganAtMs > passEveryMs) {
      this.#after = nil;
      this.#passBeganAtMs = performance.now();
    }
    for (let page = 0; page < pagesAtOnce; page += 1) {
      const { last, looked, gone } = await this.#page(before);
      removed += gone;
      this.#after = last ?? this.#after;
      if (looked < rowsAtOnce) break;
    }
    return removed;
  }

  async #page(before: Date): Promise<{ last: string | null; looked: number; gone: number }> {
    const { when, locks, and, also } = this.#rows;
    const table = sql.table(this.#rows.table);
    const id = sql.ref(`t.${this.#rows.id}`);
    const { rows } = await sql<{ last: string | null; looked: number; gone: number }>`
      WITH page AS MATERIALIZED (
             SELECT ${id} AS id FROM ${table} t WHERE ${id} > ${this.#after}::uuid AND ${id} < ${firstIdOf(before)}::uuid
              ORDER BY ${id} LIMIT ${rowsAtOnce}),
           due AS MATERIALIZED (
             SELECT ${id} AS id FROM ${table} t
              WHERE ${id} IN (SELECT page.id FROM page) AND ${when(before)} FOR UPDATE SKIP LOCKED),
           ${locks ? sql`${locks},` : sql``}
           gone AS (
             DELETE FROM ${table} t USING due WHERE ${id} = due.id ${and ? sql`AND ${and}` : sql``} RETURNING t.*)
           ${also ? sql`, ${also}` : sql``}
      SELECT (SELECT page.id FROM page ORDER BY page.id DESC LIMIT 1) AS last,
             (SELECT count(*) FROM page) AS looked, (SELECT count(*) FROM gone) AS gone`.execute(this.#db);
    return rows[0]!;
  }
}
