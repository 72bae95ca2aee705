import { sql, type Kysely } from 'kysely';
import type { Logger } from '../log.ts';
import type { DomainEvent } from '../events/schemas.ts';
import type { ServiceName } from '../events/subscriptions.ts';
import type { OutboxRecord } from './transport.ts';

export const sweepAtMost = 32;
const pruneAtMost = 5_000;
const pruneRounds = 100;
const longestBackoffSeconds = 30;
/** Between deliveries of a record that failed so often that something other than an outage must be wrong. */
const stuckBackoffSeconds = 300;

/** The tables that every service's database has besides its own. */
export interface MessagingTables {
  outbox: { id: string; events: DomainEvent[]; next_attempt_at: Date; attempts: number; created_at: Date };
  inbox: { event_id: string; received_at: Date };
}

/** Creates inbox and outbox; the first migration of every service calls it. */
export async function createMessagingTables(db: Kysely<unknown>): Promise<void> {
  // json, not jsonb: the events are written and read whole, never looked into.
  await sql`
    CREATE TABLE outbox (
      id uuid PRIMARY KEY,
      events json NOT NULL,
      next_attempt_at timestamptz NOT NULL,
      attempts int NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now()
    )`.execute(db);
  await sql`CREATE INDEX outbox_due ON outbox (next_attempt_at)`.execute(db);
  await sql`
    CREATE TABLE inbox (
      event_id uuid PRIMARY KEY,
      received_at timestamptz NOT NULL DEFAULT now()
    )`.execute(db);
  await sql`CREATE INDEX inbox_age ON inbox USING brin (received_at)`.execute(db);
}

export interface SweepOptions {
  db: Kysely<MessagingTables>;
  service: ServiceName;
  deliver: (records: OutboxRecord[]) => Promise<void>;
  log: Logger;
  maxAttempts: number;
}

/**
 * Delivers again what nobody acknowledged in time: after a crash, a lost answer, a service that was away. Rows are
 * claimed by pushing their next attempt into the future, so two sweepers never take the same row at once.
 * @returns how many records were taken up
 */
export async function sweepOutbox({ db, service, deliver, log, maxAttempts }: SweepOptions): Promise<number> {
  const { rows } = await sql<{ id: string; events: DomainEvent[]; attempts: number }>`
    UPDATE outbox
       SET attempts = attempts + 1,
           next_attempt_at = statement_timestamp() + interval '1 second' *
             CASE WHEN attempts < ${maxAttempts}
                  THEN least(${longestBackoffSeconds}, power(2, least(attempts, 5)))
                  ELSE ${stuckBackoffSeconds} END
     WHERE id IN (SELECT id FROM outbox
                   WHERE next_attempt_at <= statement_timestamp()
                   ORDER BY next_attempt_at LIMIT ${sweepAtMost}
                   FOR UPDATE SKIP LOCKED)
    RETURNING id, events, attempts`.execute(db);
  if (rows.length === 0) return 0;
  for (const { id, attempts } of rows) {
    if (attempts >= maxAttempts)
      log.error({ recordId: id, attempts }, 'an outbox record is stuck: see which event of it cannot be handled');
  }
  log.info({ records: rows.length }, 'outbox swept');
  await deliver(rows.map(({ id, events }) => ({ id, owner: service, events })));
  return rows.length;
}

/** How many records wait in the outbox, counted no further than `atMost`. */
export async function outboxDepth(db: Kysely<MessagingTables>, atMost: number): Promise<number> {
  const { rows } = await sql<{ depth: number }>`
    SELECT count(*) AS depth FROM (SELECT FROM outbox LIMIT ${atMost}) o`.execute(db);
  return rows[0]!.depth;
}

/** Forgets events that came so long ago that no repeat of them is to be expected. */
export async function pruneInbox(db: Kysely<MessagingTables>, retentionMs: number): Promise<void> {
  for (let round = 0; round < pruneRounds; round += 1) {
    const { numAffectedRows } = await sql`
      DELETE FROM inbox WHERE event_id IN (
        SELECT event_id FROM inbox
         WHERE received_at < now() - ${retentionMs} * interval '1 millisecond'
         LIMIT ${pruneAtMost} FOR UPDATE SKIP LOCKED)`.execute(db);
    if ((numAffectedRows ?? 0n) < BigInt(pruneAtMost)) return;
  }
}
