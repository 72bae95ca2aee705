import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';

/** How a migration waits for what running processes have locked. */
export interface Patience {
  /** Whoever comes to a table after a statement that waits for it waits as well: so long at most. */
  lockTimeoutMs: number;
  /** How often it is tried. */
  attempts: number;
  /** Between two attempts, so that those who had to wait get on. */
  pauseMs: number;
}

/** The timeout is longer than the second after which PostgreSQL sends an autovacuum away that is in the way. */
export const patience: Patience = { lockTimeoutMs: 2_000, attempts: 10, pauseMs: 3_000 };

/** The lock of Kysely's own migrator, by which earlier releases migrate, perhaps at this moment. */
const turn = sql`${'3853314791062309107'}::bigint`;
const turnPollMs = 200;
const turnTimeoutMs = 3_600_000;

const lockNotAvailable = '55P03';
const deadlockDetected = '40P01';

/**
 * Does something that changes tables under a running shop: while nobody else migrates this database, and again from its
 * start when somebody had a lock for too long. So it must be able to be done twice.
 * @param db one connection, opened with the patience's `lock_timeout`
 * @throws what the work throws; in one sentence, when the last attempt got no lock, or its turn did not come for an hour
 */
export async function inTurn(
  db: Kysely<unknown>,
  what: string,
  work: () => Promise<unknown>,
  { attempts, pauseMs }: Patience,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await alone(db, work);
    } catch (error) {
      if (![lockNotAvailable, deadlockDetected].includes((error as { code?: string }).code ?? '')) throw error;
      if (attempt >= attempts)
        throw new Error(
          `${what} was tried ${attempts} times and never got its lock in time: a transaction keeps a table. ` +
            'End it (in pg_stat_activity the oldest xact_start, often "idle in transaction"), and run the set-up again',
          { cause: error },
        );
    }
    await sleep(pauseMs);
  }
}

/**
 * One who migrates at a time. By asking again and again: a statement that waits for its turn has a snapshot, for whose end
 * the other one's CREATE INDEX CONCURRENTLY would wait, and both for ever.
 */
async function alone(db: Kysely<unknown>, work: () => Promise<unknown>): Promise<void> {
  const deadlineMs = performance.now() + turnTimeoutMs;
  while (!(await takeTurn(db))) {
    if (performance.now() > deadlineMs)
      throw new Error('another set-up has been migrating this database for an hour: see pg_stat_activity');
    await sleep(turnPollMs);
  }
  try {
    await work();
  } finally {
    // If the connection is lost, the lock is gone with it.
    await sql`SELECT pg_advisory_unlock(${turn})`.execute(db).catch(() => {});
  }
}

async function takeTurn(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql<{ taken: boolean }>`SELECT pg_try_advisory_lock(${turn}) AS taken`.execute(db);
  return rows[0]!.taken;
}
