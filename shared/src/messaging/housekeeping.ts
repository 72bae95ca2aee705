import { sql, type Kysely } from 'kysely';
import type { Logger } from '../log.ts';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { bringInContext } from './event-context.ts';
import type { NotDelivered, OutboxRecord } from './transport.ts';

export const sweepAtMost = 32;
const pruneAtMost = 5_000;
const pruneRounds = 100;
const maxBackoffSeconds = 30;
/**
 * A record that is due for so long is taken up although its process lives: that may not know of it, when the answer to its
 * commit was lost, or have failed to remove it. If it does try it, too, the inbox absorbs what arrives twice.
 */
export const forgottenAfterMs = 10_000;
/** Between deliveries of a record that failed so often that something other than an outage must be wrong. */
const stuckBackoffSeconds = 300;

/** The tables that every service's database has besides its own. */
export interface MessagingTables {
  outbox: {
    id: string;
    events: DomainEvent[];
    /** As many as events, or null. */
    contexts: unknown;
    next_attempt_at: Date;
    attempts: number;
    created_at: Date;
    process_id: string | null;
    poison: boolean;
  };
  inbox: { event_id: string; received_at: Date };
  process: { id: string; instance: string; expires_at: Date };
}

/** Creates inbox and outbox; the first migration of every service calls it. */
export async function createMessagingTables(db: Kysely<unknown>): Promise<void> {
  // json, not jsonb: the events are written and read whole, never looked into.
  await sql`
    CREATE TABLE IF NOT EXISTS outbox (
      id uuid PRIMARY KEY,
      events json NOT NULL,
      next_attempt_at timestamptz NOT NULL,
      attempts int NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now()
    )`.execute(db);
  await sql`CREATE INDEX IF NOT EXISTS outbox_due ON outbox (next_attempt_at)`.execute(db);
  await sql`
    CREATE TABLE IF NOT EXISTS inbox (
      event_id uuid PRIMARY KEY,
      received_at timestamptz NOT NULL DEFAULT now()
    )`.execute(db);
  await sql`CREATE INDEX IF NOT EXISTS inbox_age ON inbox USING brin (received_at)`.execute(db);
}

/**
 * Outbox rows name the process that holds them (null: nobody, or a release that knew no processes), and processes have a
 * lease. `poison` marks what has failed by itself, for now or whenever it comes. A migration of every service calls it.
 */
export async function addProcessLeases(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE outbox
      ADD COLUMN IF NOT EXISTS process_id uuid,
      ADD COLUMN IF NOT EXISTS poison boolean NOT NULL DEFAULT false`.execute(db);
  await sql`
    CREATE TABLE IF NOT EXISTS process (
      id uuid PRIMARY KEY,
      instance text NOT NULL,
      expires_at timestamptz NOT NULL
    )`.execute(db);
}

/** What travels beside the events of a row; null for those of a release that knew of none. A migration of every service calls it. */
export async function addEventContexts(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE outbox ADD COLUMN IF NOT EXISTS contexts json`.execute(db);
}

export interface SweepOptions {
  db: Kysely<MessagingTables>;
  service: ServiceName;
  deliver: (records: OutboxRecord[]) => Promise<void>;
  log: Logger;
  maxAttempts: number;
  /** Whose the rows are that are taken up, as in ProcessLease; nobody's unless given. */
  holder?: string | null;
}

/** How long a row is left alone that has been tried so often. */
const backoff = (maxAttempts: number) => sql`
  interval '1 second' * CASE WHEN attempts < ${maxAttempts}
                             THEN least(${maxBackoffSeconds}, power(2, least(attempts, 5)))
                             ELSE ${stuckBackoffSeconds} END`;

/**
 * Delivers what nobody cares for: rows that are due and whose process, if they have one, has no lease. Rows are claimed
 * with this process's name and by pushing their next attempt into the future, so two sweepers never take the same row
 * at once, not even beside a release that knows no names.
 * @returns how many records were taken up
 */
export async function sweepOutbox(options: SweepOptions): Promise<number> {
  const { db, service, deliver, log, maxAttempts, holder = null } = options;
  const { rows } = await sql<{ id: string; events: DomainEvent[]; contexts: unknown; attempts: number }>`
    UPDATE outbox
       SET attempts = attempts + 1, process_id = ${holder}::uuid,
           next_attempt_at = statement_timestamp() + ${backoff(maxAttempts)}
     WHERE id IN (SELECT id FROM outbox
                   WHERE next_attempt_at <= statement_timestamp()
                     AND (process_id IS NULL
                          OR next_attempt_at <= statement_timestamp() - ${forgottenAfterMs} * interval '1 millisecond'
                          OR NOT EXISTS (
                            SELECT FROM process p WHERE p.id = process_id AND p.expires_at > statement_timestamp()))
                   ORDER BY next_attempt_at LIMIT ${sweepAtMost}
                   FOR UPDATE SKIP LOCKED)
    RETURNING id, events, contexts, attempts`.execute(db);
  if (rows.length === 0) return 0;
  for (const { id, events, contexts, attempts } of rows) {
    bringInContext(events, contexts);
    if (attempts >= maxAttempts)
      log.error({ recordId: id, attempts }, 'an outbox record is stuck: see which event of it cannot be handled');
  }
  log.info({ records: rows.length }, 'outbox swept');
  await deliver(rows.map(({ id, events }) => ({ id, owner: service, events })));
  return rows.length;
}

export interface GiveBackOptions {
  db: Kysely<MessagingTables>;
  ids: string[];
  kind: NotDelivered;
  holder: string | null;
  maxAttempts: number;
}

/**
 * Notes of rows that they fail by themselves, whoever has them by now: others like them get through. So they are late
 * through no outage, and say so to everybody until they are delivered.
 */
export async function markFailing(db: Kysely<MessagingTables>, ids: string[]): Promise<void> {
  // In the order of ids, as the lane removes them, or the two deadlock.
  await sql`
    UPDATE outbox SET poison = true
     WHERE id IN (SELECT id FROM outbox WHERE id = ANY(${ids}::uuid[]) AND NOT poison ORDER BY id FOR UPDATE)`.execute(
    db,
  );
}

/**
 * Makes rows of this process everybody's again. What fails whenever it comes is left alone for a while; the rest is due at
 * once, unless it is stuck. That nobody could be reached is no attempt, and does not say of a row that it fails by itself.
 */
export async function giveBackRows({ db, ids, kind, holder, maxAttempts }: GiveBackOptions): Promise<void> {
  const isPoison = kind === 'poison';
  // In the order of ids, as the lane removes them, or the two deadlock.
  await sql`
    UPDATE outbox
       SET process_id = NULL, poison = poison OR ${kind !== 'unreachable'},
           attempts = greatest(0, attempts - ${kind === 'unreachable' ? 1 : 0}),
           next_attempt_at = statement_timestamp() +
             CASE WHEN ${isPoison} OR attempts >= ${maxAttempts} THEN ${backoff(maxAttempts)}
                  ELSE interval '0' END
     WHERE id IN (SELECT id FROM outbox WHERE id = ANY(${ids}::uuid[]) AND process_id IS NOT DISTINCT FROM ${holder}::uuid
                   ORDER BY id FOR UPDATE)`.execute(db);
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
