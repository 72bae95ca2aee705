import type { Socket } from 'node:net';
import pg from 'pg';
import { NotConnected } from './connection.ts';

/** A statement with a name is planned once a connection; its text must never vary. */
export interface Statement {
  name: string;
  text: string;
}

/** One open transaction. Statements are sent without waiting for those before; PostgreSQL answers them in order. */
export interface Tx {
  /** @returns the rows; rejects as soon as this or an earlier statement of the transaction has failed */
  read<R>(statement: Statement, values: unknown[]): Promise<R[]>;
  /**
   * Writes with the next read, or with the commit, together with what else is written by then: one statement, because each
   * costs a message there and one back. So no two of them may touch the same row, or rely on each other's order.
   */
  write(statement: Statement, values: unknown[]): void;
}

/** Where the write-ahead log of a primary ends, in bytes: at a commit just made, or after it. */
export const readPosition: Statement = {
  name: 'read-position',
  text: "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8 AS position",
};

interface Write {
  statement: Statement;
  values: unknown[];
}

/** The texts in which several writes travel as one, by the names of the writes. */
const merged = new Map<string, Statement>();

/** One statement that does what several do, on the values of all of them in order. */
function mergedStatement(writes: Write[]): Statement {
  if (writes.length === 1) return writes[0]!.statement;
  const key = writes.map(({ statement }) => statement.name).join();
  let statement = merged.get(key);
  if (!statement) {
    let taken = 0;
    const parts = writes.map(({ statement: { text }, values }, index) => {
      const first = taken;
      taken += values.length;
      return `w${index} AS (${text.replaceAll(/\$(\d+)/g, (_, n) => `$${first + Number(n)}`)})`;
    });
    // PostgreSQL runs each part whether or not its rows are asked for.
    statement = { name: `merged-${merged.size}`, text: `WITH ${parts.join(', ')} SELECT` };
    merged.set(key, statement);
  }
  return statement;
}

/**
 * One pipelined connection on which one transaction at a time runs: BEGIN travels with the first statements, COMMIT
 * with the last, so a transaction that reads once and writes once costs two round trips. Reconnects on next use.
 */
export class LaneConnection {
  readonly #config: pg.ClientConfig;
  readonly #onError: (error: Error) => void;
  #client: pg.Client | undefined;
  #corked = false;
  #busy = false;
  #closed = false;

  constructor(options: { url: string; statementTimeoutMs: number; onError: (error: Error) => void }) {
    this.#config = {
      connectionString: options.url,
      pipeline: true,
      connectionTimeoutMillis: 2_000,
      statement_timeout: options.statementTimeoutMs,
      query_timeout: options.statementTimeoutMs + 1_000,
      idle_in_transaction_session_timeout: options.statementTimeoutMs * 2,
      keepAlive: true,
      // Every statement of a lane finds its rows by key, so one plan is right for ever: it is kept (planning anew for each
      // length of an array was a fifth of PostgreSQL's work), and must not be a scan because the table was small then.
      options:
        '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off',
    };
    this.#onError = options.onError;
  }

  /**
   * Runs one transaction. Must not be called again before it has ended.
   * @param onCommit hears, where it is given, what a replica has to have replayed to show it, in bytes; in the same round trip as the commit
   * @throws what a statement or the work throws
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>, onCommit?: (position: number) => void): Promise<T> {
    const client = await this.#connected();
    this.#busy = true;
    // The first failure is the reason; all that is sent after it only hears that the transaction is aborted.
    let reason: unknown;
    const send = (query: string | pg.QueryConfig) => {
      const sent = this.#send(client, query);
      sent.catch((error: unknown) => (reason ??= error));
      return sent;
    };
    const written = [send('BEGIN')];
    let writes: Write[] = [];
    const sendWrites = () => {
      if (writes.length === 0) return;
      written.push(send({ ...mergedStatement(writes), values: writes.flatMap(({ values }) => values) }));
      writes = [];
    };
    const tx: Tx = {
      read: <R>(statement: Statement, values: unknown[]) => {
        sendWrites();
        const read = send({ ...statement, values }).then(({ rows }) => rows as R[]);
        // Of several reads only the first failure may be awaited; the others must not end the process as unhandled.
        read.catch(() => {});
        return read;
      },
      write: (statement, values) => void writes.push({ statement, values }),
    };
    try {
      const result = await work(tx);
      sendWrites();
      const committed = send('COMMIT');
      const position = onCommit && this.#send(client, { ...readPosition });
      await Promise.all(written);
      // A transaction in which a statement failed answers COMMIT with ROLLBACK.
      if ((await committed).command !== 'COMMIT') throw new Error('the transaction was rolled back');
      // What is committed is so whether or not it is told where.
      await position?.then(({ rows }) => onCommit!((rows[0] as { position: number }).position)).catch(() => {});
      return result;
    } catch (thrown) {
      const error = reason ?? thrown;
      // After a migration the kept plans may answer with other columns than they were made for; a new connection has none.
      if (isStalePlan(error)) this.#drop(client);
      else if (this.#client === client) await this.#send(client, 'ROLLBACK').catch(() => this.#drop(client));
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client;
    this.#client = undefined;
    if (this.#busy && client) socketOf(client).destroy();
    else await client?.end().catch(() => {});
  }

  /** Whatever is sent within one turn of the event loop leaves in one write. */
  #send(client: pg.Client, query: string | pg.QueryConfig): Promise<pg.QueryResult> {
    if (!this.#corked) {
      const stream = socketOf(client);
      this.#corked = true;
      stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        stream.uncork();
      });
    }
    const sent = typeof query === 'string' ? client.query(query) : client.query(query);
    sent.catch(() => {}); // awaited by whoever needs the answer, possibly later than it fails
    return sent;
  }

  async #connected(): Promise<pg.Client> {
    if (this.#closed) throw Object.assign(new Error('connection terminated: this lane is closed'), { code: '57P01' });
    if (this.#client) return this.#client;
    const client = new pg.Client(this.#config);
    client.on('error', (error: Error) => {
      this.#onError(error);
      this.#drop(client);
    });
    client.on('end', () => this.#drop(client));
    await client.connect().catch((cause: Error) => {
      throw new NotConnected(cause.message, { cause });
    });
    return (this.#client = client);
  }

  #drop(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    // Not end(): that waits for the answers which are still due, and perhaps never come.
    socketOf(client).destroy();
  }
}

const socketOf = (client: pg.Client) => (client as unknown as { connection: { stream: Socket } }).connection.stream;

const isStalePlan = (error: unknown): boolean => (error as { code?: unknown } | undefined)?.code === '0A000';
