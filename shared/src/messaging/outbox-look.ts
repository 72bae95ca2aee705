import { sql, type Kysely } from 'kysely';
import { forgottenAfterMs, type MessagingTables } from './housekeeping.ts';

/** Longer than any lease: one that ends later than that was given before the database's clock was set back. */
const implausiblyLongMs = 300_000;

/** Of a row of `process`: its lease has ended. */
export const leaseIsOver = sql<boolean>`
  (expires_at <= clock_timestamp()
   OR expires_at > clock_timestamp() + ${sql.lit(implausiblyLongMs)} * interval '1 millisecond')`;

export interface OutboxBacklog {
  /** Records, counted no further than the limit. */
  depth: number;
  /** Age of the oldest among them that nothing but its turn keeps from being delivered; undefined if there is none. */
  oldestMs: number | undefined;
}

export interface OutboxLook {
  waiting: OutboxBacklog;
  /** Until the next record is due that a sweep would take up, negative when it is overdue; undefined if there is none. */
  dueInMs: number | undefined;
  /** Other processes whose lease has ended. */
  dead: string[];
}

export interface OutboxLookOptions {
  /** Whose lease is renewed, under which name, and for how long. */
  id: string;
  instance: string;
  leaseMs: number;
  /** Most records that are counted. */
  countAtMost: number;
  maxAttempts: number;
}

/**
 * Renews a process's lease and tells how the outbox stands: in one statement, since every process does it every second
 * of its life. Records that fail by themselves, or have failed too often, have no age: they would be late for as long as
 * they are there, and nothing that is refused for it would get them on.
 */
export async function lookAtOutbox(db: Kysely<MessagingTables>, options: OutboxLookOptions): Promise<OutboxLook> {
  const { id, instance, leaseMs, countAtMost, maxAttempts } = options;
  // Not waiting for the disk: what a crash takes of it is a lease that ends too early.
  const { rows } = await sql<{ depth: number; oldest_ms: number | null; due_in_ms: number | null; dead: string[] }>`
    WITH unhurried AS (SELECT set_config('synchronous_commit', 'off', true)),
         renewed AS (
           INSERT INTO process (id, instance, expires_at)
           SELECT ${id}, ${instance}, clock_timestamp() + ${leaseMs} * interval '1 millisecond' FROM unhurried
           ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at),
         counted AS (
           SELECT created_at, poison, attempts, next_attempt_at, process_id FROM outbox LIMIT ${countAtMost})
    SELECT count(*) AS depth,
           (extract(epoch FROM clock_timestamp() - min(created_at)
              FILTER (WHERE NOT poison AND attempts < ${maxAttempts})) * 1000)::float8 AS oldest_ms,
           (extract(epoch FROM min(next_attempt_at + CASE
              WHEN process_id IN (SELECT id FROM process WHERE expires_at > clock_timestamp())
              THEN ${forgottenAfterMs} ELSE 0 END * interval '1 millisecond') - clock_timestamp()) * 1000
           )::float8 AS due_in_ms,
           ARRAY(SELECT id FROM process WHERE id <> ${id} AND ${leaseIsOver}) AS dead
      FROM counted`.execute(db);
  const { depth, oldest_ms, due_in_ms, dead } = rows[0]!;
  const oldestMs = oldest_ms === null ? undefined : Math.max(0, oldest_ms);
  // What is not counted may be due.
  const dueInMs = depth >= countAtMost ? 0 : (due_in_ms ?? undefined);
  return { waiting: { depth, oldestMs }, dueInMs, dead };
}
