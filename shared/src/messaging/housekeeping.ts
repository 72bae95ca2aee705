import { sql, type Kysely } from 'kysely';
import type { Logger } from '../log.ts';
import type { DomainEvent } from '../events/schemas.ts';
import type { ServiceName } from '../events/subscriptions.ts';
import type { OutboxRecord } from './transport.ts';

const sweepAtMost = 32;
const pruneAtMost = 5_000;

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
           next_attempt_at = clock_timestamp() + least(30, power(2, least(attempts, 5))) * interval '1 second'
     WHERE id IN (SELECT id FROM outbox
                   WHERE next_attempt_at <= clock_timestamp() AND attempts < ${maxAttempts}
                   ORDER BY next_attempt_at LIMIT ${sweepAtMost}
                   FOR UPDATE SKIP LOCKED)
    RETURNING id, events, attempts`.execute(db);
  if (rows.length === 0) return 0;
  for (const { id, attempts } of rows) {
    if (attempts >= maxAttempts)
      log.error({ recordId: id, attempts }, 'last delivery of an outbox record; then it waits for an operator');
  }
  log.info({ records: rows.length }, 'outbox swept');
  await deliver(rows.map(({ id, events }) => ({ id, owner: service, events })));
  return rows.length;
}

/** Forgets events that came so long ago that no repeat of them is to be expected. */
export async function pruneInbox(db: Kysely<MessagingTables>, retentionMs: number): Promise<void> {
  await sql`
    DELETE FROM inbox WHERE event_id IN (
      SELECT event_id FROM inbox
       WHERE received_at < now() - ${retentionMs} * interval '1 millisecond' LIMIT ${pruneAtMost})`.execute(db);
}

/** Undelivered records and the age of the oldest in ms; for health, backpressure and the audit. */
export async function outboxDepth(db: Kysely<MessagingTables>): Promise<{ records: number; oldestMs: number }> {
  const { rows } = await sql<{ records: number; oldest_ms: number }>`
    SELECT count(*) AS records,
           coalesce(extract(epoch FROM clock_timestamp() - min(created_at)) * 1000, 0)::float8 AS oldest_ms
      FROM outbox`.execute(db);
  return { records: rows[0]!.records, oldestMs: rows[0]!.oldest_ms };
}
