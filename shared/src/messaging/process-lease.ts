import { randomUUID } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import type { Logger } from '../log.ts';
import type { MessagingTables } from './housekeeping.ts';
import { periodically } from './periodic.ts';

const renewalsPerLease = 3;
/** However long a lease is: who renews it also finds out who has ended. */
const longestPauseMs = 1_000;
/** Longer than any lease: one that ends later than that was given before the database's clock was set back. */
const implausiblyLongMs = 300_000;
const releaseAtMost = 10_000;

const isOver = sql<boolean>`
  (expires_at <= clock_timestamp()
   OR expires_at > clock_timestamp() + ${sql.lit(implausiblyLongMs)} * interval '1 millisecond')`;

export interface ProcessLeaseOptions {
  db: Kysely<MessagingTables>;
  /** The name of the instance, which whoever is started in our place has as well. */
  instance: string;
  leaseMs: number;
  log: Logger;
  /** Hears of rows of the dead that are everybody's from now on. */
  onReleased?: () => void;
}

/**
 * Says in the service's database that this process lives, by the database's clock. Outbox rows name their process: while
 * its lease lasts they are its own, afterwards everybody's; who renews looks for leases that have ended. A lease is no lock:
 * who was frozen may go on with what others have taken up meanwhile, and the inbox absorbs what then arrives twice.
 */
export class ProcessLease {
  readonly #id = randomUUID();
  readonly #options: ProcessLeaseOptions;
  #renewing: ReturnType<typeof periodically> | undefined;
  #isHeld = false;

  constructor(options: ProcessLeaseOptions) {
    this.#options = options;
  }

  /** What rows are to be marked with; null while there is no lease, so that they are taken up when their grace is over. */
  get holder(): string | null {
    return this.#isHeld ? this.#id : null;
  }

  /**
   * Takes the lease, ends that of the predecessor of the same name, and renews it from then on. Resolves also when the
   * database is away; then the first renewal takes it.
   */
  async begin(): Promise<void> {
    const { leaseMs, log } = this.#options;
    const task = () => this.#renew();
    await task().catch((error: Error) => log.warn({ reason: error.message }, 'no process lease yet'));
    const everyMs = Math.min(leaseMs / renewalsPerLease, longestPauseMs);
    this.#renewing = periodically({ name: 'process-lease', everyMs, log, task });
  }

  /** Leaves what is left to the others, at once. @throws when the database is away; then it runs out by itself */
  async end(): Promise<void> {
    await this.#renewing?.stop();
    this.#isHeld = false;
    await sql`UPDATE process SET expires_at = '-infinity' WHERE id = ${this.#id}`.execute(this.#options.db);
  }

  async #renew(): Promise<void> {
    const { db, instance, leaseMs, onReleased } = this.#options;
    if (!this.#isHeld)
      await sql`
        UPDATE process SET expires_at = '-infinity' WHERE instance = ${instance} AND id <> ${this.#id}`.execute(db);
    // Not waiting for the disk, every second in every process: what a crash takes of it is a lease that ends too early.
    const { rows } = await sql<{ id: string }>`
      WITH unhurried AS (SELECT set_config('synchronous_commit', 'off', true)),
           renewed AS (
             INSERT INTO process (id, instance, expires_at)
             SELECT ${this.#id}, ${instance}, clock_timestamp() + ${leaseMs} * interval '1 millisecond' FROM unhurried
             ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at)
      SELECT id FROM process WHERE id <> ${this.#id} AND ${isOver}`.execute(db);
    this.#isHeld = true;
    if (rows.length === 0) return;
    const dead = rows.map(({ id }) => id);
    if ((await releaseRowsOf(db, dead)) > 0) onReleased?.();
  }
}

/**
 * Makes the outbox rows of dead processes everybody's, due at once. Except: what has been taken up before waits as long
 * as its attempts say, for it may be what its processes die over.
 * @returns how many rows
 */
async function releaseRowsOf(db: Kysely<MessagingTables>, dead: string[]): Promise<number> {
  // A row that is locked is being removed, or comes with the next turn.
  const { numAffectedRows = 0n } = await sql`
    UPDATE outbox
       SET process_id = NULL,
           next_attempt_at = CASE WHEN attempts <= 1 THEN least(next_attempt_at, statement_timestamp())
                                  ELSE next_attempt_at END
     WHERE id IN (SELECT id FROM outbox WHERE process_id = ANY(${dead}::uuid[])
                   ORDER BY id LIMIT ${releaseAtMost} FOR UPDATE SKIP LOCKED)`.execute(db);
  await sql`
    DELETE FROM process p
     WHERE id = ANY(${dead}::uuid[]) AND ${isOver}
       AND NOT EXISTS (SELECT FROM outbox WHERE process_id = p.id)`.execute(db);
  return Number(numAffectedRows);
}
