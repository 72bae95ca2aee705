import { randomUUID } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import type { MessagingTables } from './housekeeping.ts';
import { leaseIsOver, lookAtOutbox, type OutboxLook } from './outbox-look.ts';

const releaseAtMost = 10_000;

export interface ProcessLeaseOptions {
  db: Kysely<MessagingTables>;
  /** The name of the instance, which whoever is started in our place has as well. */
  instance: string;
  leaseMs: number;
  /** As in OutboxLookOptions. */
  countAtMost: number;
  maxAttempts: number;
}

/**
 * Says in the service's database that this process lives, by the database's clock. Outbox rows name their process: while
 * its lease lasts they are its own, afterwards everybody's; who renews looks for leases that have ended. A lease is no lock:
 * who was frozen may go on with what others have taken up meanwhile, and the inbox absorbs what then arrives twice.
 */
export class ProcessLease {
  readonly #id = randomUUID();
  readonly #options: ProcessLeaseOptions;
  #isHeld = false;

  constructor(options: ProcessLeaseOptions) {
    this.#options = options;
  }

  /** What rows are to be marked with; null while there is no lease, so that they are taken up when their grace is over. */
  get holder(): string | null {
    return this.#isHeld ? this.#id : null;
  }

  /**
   * Takes the lease, or renews it; the first time it ends that of the predecessor of the same name. Makes the rows of
   * processes whose lease has ended everybody's.
   * @returns how the outbox stood; what was made everybody's is due at once
   * @throws what the database throws; then the lease runs out unless the next time succeeds
   */
  async renew(): Promise<OutboxLook> {
    const { db, instance, ...limits } = this.#options;
    if (!this.#isHeld)
      await sql`
        UPDATE process SET expires_at = '-infinity' WHERE instance = ${instance} AND id <> ${this.#id}`.execute(db);
    const look = await lookAtOutbox(db, { id: this.#id, instance, ...limits });
    this.#isHeld = true;
    const released = look.dead.length > 0 && (await releaseRowsOf(db, look.dead)) > 0;
    return released ? { ...look, dueInMs: 0 } : look;
  }

  /** Leaves what is left to the others, at once. @throws when the database is away; then it runs out by itself */
  async end(): Promise<void> {
    this.#isHeld = false;
    await sql`UPDATE process SET expires_at = '-infinity' WHERE id = ${this.#id}`.execute(this.#options.db);
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
     WHERE id = ANY(${dead}::uuid[]) AND ${leaseIsOver}
       AND NOT EXISTS (SELECT FROM outbox WHERE process_id = p.id)`.execute(db);
  return Number(numAffectedRows);
}
