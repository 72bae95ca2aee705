import pg from 'pg';
import { Kysely, PostgresDialect } from 'kysely';
import { AppError } from '../errors.ts';
import { PreparingClient } from './preparing-client.ts';

// bigint columns hold cents, units and versions, all below 2^53; as numbers they need no conversion at each use.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`a bigint beyond 2^53: ${text}`);
  return value;
});

export interface ReadOptions {
  url: string;
  poolSize: number;
  statementTimeoutMs: number;
  onError: (error: Error) => void;
}

/** A small pool for reads outside batches, behind Kysely. */
export function openReads<DB>(options: ReadOptions): Kysely<DB> {
  const pool = new pg.Pool({
    Client: PreparingClient as unknown as new () => pg.ClientBase,
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 2_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + 1_000,
  });
  pool.on('error', options.onError);
  // While a client is lent out the pool does not listen; without a listener its lost connection would end the process.
  pool.on('connect', (client) => client.on('error', options.onError));
  // A client that comes back with its query unanswered waits for a server that may never answer; the next read must not.
  pool.on('release', (_error, client) => {
    if (!(client as pg.PoolClient & { readyForQuery: boolean }).readyForQuery) void client.end().catch(() => {});
  });
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
}

/**
 * SQLSTATEs that say "not now": connection trouble, shutdown, out of resources, I/O errors, a standby, a stalled
 * transaction; and a server that lets us in no more (28, 3D, 55000), be it that a password is being changed or a database
 * restored: that is no fault of the work.
 */
const unavailableStates = /^(08|28|3D|53|57|58|25006|25P03|55000)/;
/** 0A000: the plan of a prepared statement is stale; the lane has a new connection by then. */
const retryableStates = new Set(['40001', '40P01', '55P03', '0A000']);
const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
};

/** Whether the database could not be reached or did not answer: the same work may succeed later, unchanged. */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return unavailableStates.test(code) || socketErrors.has(code);
  const message = error instanceof Error ? error.message : '';
  return /connection (terminated|error)|not queryable|Query read timeout|timeout expired|timeout exceeded when trying to connect|timeout expired/i.test(
    message,
  );
}

/** Whether the transaction lost to another one (deadlock, serialisation, lock timeout) and may be tried again at once. */
export const isConflict = (error: unknown): boolean => retryableStates.has(codeOf(error) ?? '');

export const isUniqueViolation = (error: unknown): boolean => codeOf(error) === '23505';

/** Awaits a read of a route. @throws AppError unavailable when the database cannot be reached */
export async function orUnavailable<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (cause) {
    if (!isUnavailable(cause)) throw cause;
    throw new AppError('unavailable', 'The database cannot be reached. Nothing was changed; try again shortly.', {
      cause,
    });
  }
}
