import pg from 'pg';
import { Kysely, PostgresDialect } from 'kysely';
import { AppError } from '@flash-sale/contract/errors.ts';
import { traced } from '../tracing/running.ts';
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
  /** How long a read waits for a connection at most; two seconds unless given. */
  connectWithinMs?: number;
  onError: (error: Error) => void;
  /** Asked of each new connection before it is used; where it rejects, whoever wanted the connection hears why. */
  verify?: (client: pg.ClientBase) => Promise<void>;
}

/** The connections of some reads: those at work, and the requests that wait for one. */
export interface PoolUse {
  used: number;
  waiting: number;
}

/** A small pool for reads outside batches, behind Kysely. */
export function openReads<DB>(options: ReadOptions): Kysely<DB> {
  return openWatchedReads<DB>(options).db;
}

/** The same, with a look at how busy its connections are. */
export function openWatchedReads<DB>(options: ReadOptions): { db: Kysely<DB>; use: () => PoolUse } {
  const { verify } = options;
  const pool = new pg.Pool({
    ...(verify && {
      verify: (client: pg.ClientBase, done: (error?: Error) => void) => void verify(client).then(() => done(), done),
    }),
    Client: PreparingClient as unknown as new () => pg.ClientBase,
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: options.connectWithinMs ?? 2_000,
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
  return {
    db: new Kysely<DB>({ dialect: new PostgresDialect({ pool }) }),
    use: () => ({ used: pool.totalCount - pool.idleCount, waiting: pool.waitingCount }),
  };
}

/** What connecting failed for, whatever it was: no work is at fault for that. */
export class NotConnected extends Error {}

/**
 * SQLSTATEs that say "not now": connection trouble, shutdown, out of resources, I/O errors, a standby, a stalled
 * transaction; a server that lets us in no more (28, 3D, 55000), be it that a password is being changed or a database
 * restored; and a schema or rights that are not all there (3F000, 42P01, 42501), as amid a restore. None is the fault of
 * the work.
 */
const unavailableStates = /^(08|28|3D|3F000|42P01|42501|53|57|58|25006|25P03|55000)/;
/** 0A000: the plan of a prepared statement is stale; the lane has a new connection by then. */
const retryableStates = new Set(['40001', '40P01', '55P03', '0A000']);
const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'EMFILE',
  'ENFILE',
]);

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
};

/** Whether the database could not be reached or did not answer: the same work may succeed later, unchanged. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof NotConnected) return true;
  const code = codeOf(error);
  if (code !== undefined) return unavailableStates.test(code) || socketErrors.has(code);
  const message = error instanceof Error ? error.message : '';
  return /connection (terminated|error)|not queryable|Query read timeout|timeout expired|timeout exceeded when trying to connect/i.test(
    message,
  );
}

/**
 * Whether the database did nothing at all, for anybody. A statement that took too long (57014) is no such thing: most
 * likely it waited for a row that somebody has locked.
 */
export const isAway = (error: unknown): boolean => isUnavailable(error) && codeOf(error) !== '57014';

/** Whether the transaction lost to another one (deadlock, serialisation, lock timeout) and may be tried again at once. */
export const isConflict = (error: unknown): boolean => retryableStates.has(codeOf(error) ?? '');

export const isUniqueViolation = (error: unknown): boolean => codeOf(error) === '23505';

const busyRetryAfterSeconds = 5;
/** Whether every connection of the pool was busy for as long as one is waited for: too much is asked, of a database that is there. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && /^timeout exceeded when trying to connect$/.test(error.message);

/** Awaits a read of a route. @throws AppError unavailable when the database cannot be reached, overloaded when too many reads wait for it */
export async function orUnavailable<T>(read: Promise<T>): Promise<T> {
  try {
    return await traced('reads', () => read, { kind: 'client', attributes: { 'db.system.name': 'postgresql' } });
  } catch (cause) {
    if (!isUnavailable(cause)) throw cause;
    if (isBusy(cause))
      throw new AppError(
        'overloaded',
        'Too many reads wait for the database. Nothing was changed; try again shortly.',
        {
          cause,
          retryAfterSeconds: busyRetryAfterSeconds,
        },
      );
    throw new AppError('unavailable', 'The database cannot be reached. Nothing was changed; try again shortly.', {
      cause,
    });
  }
}
