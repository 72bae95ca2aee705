import { sql, type Kysely, type Migration } from 'kysely';
import { pino } from 'pino';
import { LaneConnection, type Statement } from '../db/lane-connection.ts';
import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import {
  addEventContexts,
  addProcessLeases,
  createMessagingTables,
  type MessagingTables,
} from '../messaging/housekeeping.ts';
import { Lane, type LaneOptions } from '../messaging/lane.ts';
import type { NewEvent } from '@flash-sale/contract/events/schemas.ts';
import { nothing } from '../messaging/decision.ts';
import type { UnitOfWork } from '../messaging/unit-of-work.ts';
import { anEvent } from './events.ts';

/*
 * The smallest service there is: it counts. An event adds one to the tally named by its order; who sees a count other
 * than the number of distinct events has found one handled twice, or lost.
 */

export type TallyTables = MessagingTables & { tallies: { id: string; count: number } };

/** More than that breaks a constraint of the table: a failure that only the database finds. */
export const maxCounted = 1_000;

export const tallyMigrations: Record<string, Migration> = {
  '0001-schema': {
    async up(db: Kysely<unknown>) {
      await createMessagingTables(db);
      await addProcessLeases(db);
      await addEventContexts(db);
      await sql`
        CREATE TABLE IF NOT EXISTS tallies (
          id uuid PRIMARY KEY, count bigint NOT NULL CHECK (count <= ${sql.lit(maxCounted)}))
      `.execute(db);
      await sql`CREATE TABLE IF NOT EXISTS claims (id uuid PRIMARY KEY, by_whom text NOT NULL)`.execute(db);
    },
  },
};

const lock: Statement = {
  name: 'lock-tallies',
  text: 'SELECT id, count FROM tallies WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE',
};
const upsert: Statement = {
  name: 'upsert-tallies',
  text: `INSERT INTO tallies (id, count) SELECT * FROM unnest($1::uuid[], $2::bigint[])
         ON CONFLICT (id) DO UPDATE SET count = excluded.count`,
};
const readClaims: Statement = { name: 'read-claims', text: 'SELECT id FROM claims WHERE id = ANY($1::uuid[])' };
const insertClaim: Statement = { name: 'insert-claim', text: 'INSERT INTO claims (id, by_whom) VALUES ($1, $2)' };

export interface TallyState {
  counts: Map<string, number>;
  changed: Set<string>;
  claimed: Set<string>;
  claims: [string, string][];
}

const add = (id: string, by: number, state: TallyState): number => {
  const count = (state.counts.get(id) ?? 0) + by;
  state.counts.set(id, count);
  state.changed.add(id);
  return count;
};

const counts = (orderId: string): NewEvent => ({ type: 'order.cancelled', data: { orderId } });

export const commands = {
  add: ({ id, by }: { id: string; by: number }, state: TallyState) => ({ count: add(id, by, state), events: [] }),
  /** Adds, and tells others. */
  announce: ({ id }: { id: string }, state: TallyState) => ({ count: add(id, 1, state), events: [counts(id)] }),
  /** Whoever comes first has it. */
  claim: ({ id, by }: { id: string; by: string }, state: TallyState) => {
    if (state.claimed.has(id)) return { claim: 'taken', events: [] };
    state.claims.push([id, by]);
    state.claimed.add(id);
    return { claim: 'yours', events: [] };
  },
  fail: (_input: object): never => {
    throw new Error('told to fail');
  },
};

/** A user whose events the handler cannot bear. */
export const poisonousUser = 'deadbeef-dead-4ead-8ead-deadbeefdead';
/** A user whose events break a constraint when they are saved. */
export const excessiveUser = 'ffffffff-ffff-4fff-8fff-ffffffffffff';

type Events = EventsOf<'order'>;
export type TallyUnitOfWork = UnitOfWork<TallyState, Events, typeof commands>;
export type TallyLane = Lane<TallyState, Events, typeof commands>;

const ignore = () => nothing;

export const tallyUnitOfWork = (overrides: Partial<TallyUnitOfWork> = {}): TallyUnitOfWork => ({
  async load(tx, batch) {
    const ids = new Set<string>();
    const wanted = new Set<string>();
    for (const work of batch) {
      if (work.kind === 'event') ids.add((work.event.data as { orderId: string }).orderId);
      else if (work.name === 'claim') wanted.add(work.input.id);
      else if (work.name !== 'fail') ids.add(work.input.id);
    }
    const locked = tx.read<{ id: string; count: number }>(lock, [[...ids].sort()]);
    const claimed = wanted.size > 0 ? tx.read<{ id: string }>(readClaims, [[...wanted].sort()]) : [];
    return {
      counts: new Map((await locked).map(({ id, count }) => [id, count])),
      claimed: new Set((await claimed).map(({ id }) => id)),
      changed: new Set(),
      claims: [],
    };
  },
  save(tx, state) {
    const ids = [...state.changed].sort();
    if (ids.length > 0) tx.write(upsert, [ids, ids.map((id) => state.counts.get(id))]);
    for (const claim of state.claims) tx.write(insertClaim, claim);
  },
  handlers: {
    'stock.commit-refused': ({ orderId, userId }, state) => {
      if (userId === poisonousUser) throw new Error('poisonous');
      add(orderId, userId === excessiveUser ? maxCounted + 1 : 1, state);
      return { events: [counts(orderId)] };
    },
    'stock.held': ignore,
    'stock.refused': ignore,
    'stock.committed': ignore,
    'stock.released': ignore,
    'payment.captured': ignore,
    'payment.declined': ignore,
    'payment.refunded': ignore,
  },
  commands,
  ...overrides,
});

/** The event that adds one. */
export const counted = (data: { orderId?: string; userId?: string } = {}) => anEvent('stock.commit-refused', data);

type Options = LaneOptions<TallyState, Events, typeof commands>;

export function openTallyLane(
  url: string,
  overrides: Partial<Options> & { statementTimeoutMs?: number } = {},
): { lane: TallyLane; close: () => Promise<void> } {
  const { statementTimeoutMs = 5_000, ...options } = overrides;
  const connection = new LaneConnection({ url, statementTimeoutMs, onError: () => {} });
  const lane: TallyLane = new Lane({
    service: 'order',
    connection,
    unitOfWork: tallyUnitOfWork(),
    deliver: () => Promise.resolve(),
    log: pino({ level: 'silent' }),
    maxItems: 256,
    maxQueued: 10_000,
    outboxGraceMs: 60_000,
    ...options,
  });
  return {
    lane,
    close: async () => {
      await lane.drained();
      await connection.close();
    },
  };
}
