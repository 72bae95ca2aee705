import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { databases, type DatabaseName } from '../launcher/database-names.ts';

const connectTimeoutMs = 5_000;
const statementTimeoutMs = 120_000;
const pageRows = 5_000;

// bigint columns hold cents, units, versions and counts, all below 2^53.
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === (pg.types.builtins.INT8 as number) ? Number : (pg.types.getTypeParser(oid, format) as never),
};

/** All databases as of one moment. */
export interface Snapshot {
  /** Whether that moment is the same one in every database; if not, it is at least one moment within each. */
  readonly common: boolean;
  readonly query: <Row>(database: DatabaseName, sql: string) => Promise<Row[]>;
  /** Rows of any number in bounded memory. */
  readonly stream: <Row>(database: DatabaseName, sql: string) => AsyncGenerator<Row, void, void>;
}

/** One connection per database, for reading only. */
export class Databases implements AsyncDisposable {
  readonly #clients: Record<DatabaseName, pg.Client>;
  #cursors = 0;

  private constructor(clients: Record<DatabaseName, pg.Client>) {
    this.#clients = clients;
  }

  /** @throws when one of them cannot be reached; then none stays open */
  static async connect(urls: Record<DatabaseName, string>): Promise<Databases> {
    const entries = databases.map((name) => {
      const client = new pg.Client({
        connectionString: urls[name],
        connectionTimeoutMillis: connectTimeoutMs,
        statement_timeout: statementTimeoutMs,
        query_timeout: statementTimeoutMs + 5_000,
        application_name: 'audit',
        types,
      });
      // A connection that breaks later is reported by the query that meets it.
      client.on('error', () => undefined);
      return [name, client] as const;
    });
    const results = await Promise.allSettled(entries.map(([, client]) => client.connect()));
    const connected = new Databases(Object.fromEntries(entries) as Record<DatabaseName, pg.Client>);
    const failed = results.findIndex(({ status }) => status === 'rejected');
    if (failed < 0) return connected;
    await connected[Symbol.asyncDispose]();
    throw (results[failed] as PromiseRejectedResult).reason;
  }

  /**
   * Lends a view in which nothing changes. All databases are on one server, and a snapshot's text names the transactions
   * that it sees, of the whole server: where six snapshots read the same, they are of the same moment. At rest the
   * first try finds that; under load a few tries may, or else the view is not common.
   */
  async view<Result>(tries: number, use: (snapshot: Snapshot) => Promise<Result>): Promise<Result> {
    try {
      let common = await this.#begin();
      for (let left = tries - 1; !common && left > 0; left -= 1) {
        await this.#end();
        await sleep(5);
        common = await this.#begin();
      }
      return await use({
        common,
        query: (database, sql) => this.#query(database, sql),
        stream: (database, sql) => this.#stream(database, sql),
      });
    } finally {
      await this.#end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(databases.map((name) => this.#clients[name].end()));
  }

  async #begin(): Promise<boolean> {
    await this.#everywhere('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const seen = await this.#everywhere<{ seen: string }>('SELECT pg_current_snapshot()::text AS seen');
    return new Set(seen.map(([row]) => row?.seen)).size === 1;
  }

  async #end(): Promise<void> {
    await Promise.allSettled(databases.map((name) => this.#clients[name].query('ROLLBACK')));
  }

  #everywhere<Row>(sql: string): Promise<Row[][]> {
    return Promise.all(databases.map((name) => this.#query<Row>(name, sql)));
  }

  async #query<Row>(database: DatabaseName, sql: string): Promise<Row[]> {
    return (await this.#clients[database].query(sql)).rows as Row[];
  }

  async *#stream<Row>(database: DatabaseName, sql: string): AsyncGenerator<Row, void, void> {
    const cursor = `audit_${(this.#cursors += 1)}`;
    await this.#query(database, `DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`);
    for (;;) {
      const rows = await this.#query<Row>(database, `FETCH ${pageRows} FROM ${cursor}`);
      yield* rows;
      if (rows.length < pageRows) break;
    }
    await this.#query(database, `CLOSE ${cursor}`);
  }
}
