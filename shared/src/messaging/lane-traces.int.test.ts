import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import type { TestDatabase } from '../../../infra/testing/database.ts';
import { newId } from '../ids.ts';
import { counted, openTallyLane, poisonousUser, tallyUnitOfWork, type TallyLane } from '../testing/tally.ts';
import { createTallyDatabase } from '../testing/tally-database.ts';
import { running } from '../tracing/running.ts';
import type { EndedSpan } from '../tracing/span.ts';
import { newSpanId, newTraceId, readTraceparent, traceparentOf } from '../tracing/trace-context.ts';
import { Tracing, type LocalRoot } from '../tracing/tracing.ts';
import { contextOf, inContext } from './event-context.ts';
import type { OutboxRecord } from './transport.ts';

let database: TestDatabase;
let admin: pg.Client;
let drop: () => Promise<void>;
const spans: EndedSpan[] = [];
const delivered: OutboxRecord[] = [];
const tracing = new Tracing({
  sink: { take: (span) => void spans.push(span) },
  isChosen: () => false,
  slowMs: 60_000,
  maxKeptPerSecond: 100,
});
let lane: TallyLane;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ database, admin, drop } = await createTallyDatabase('lane_traces'));
});
afterAll(async () => {
  await drop();
});
beforeEach(() => {
  const deliver = (records: OutboxRecord[]) => Promise.resolve(void delivered.push(...records));
  ({ lane, close } = openTallyLane(database.url, { tracing, deliver, unitOfWork: tallyUnitOfWork() }));
});
afterEach(async () => {
  await close();
  spans.length = 0;
  delivered.length = 0;
  await admin.query('TRUNCATE tallies, claims, inbox, outbox');
});

const aRequest = (isSampled: boolean): LocalRoot =>
  tracing.beginRequest(traceparentOf({ traceId: newTraceId(), spanId: newSpanId(), isSampled }), 'service');
const end = (root: LocalRoot) => tracing.endRequest(root, { name: 'POST', ms: 1 });
const named = (name: string) => spans.filter((span) => span.name === name);
const originsOf = (records: OutboxRecord[]) =>
  records.flatMap(({ events }) => events.map((event) => readTraceparent(contextOf(event)?.traceparent)));

test('commands of one transaction are told of each for its own request, and it once, with a link to each that is recorded', async () => {
  const [first, second, unseen] = [aRequest(true), aRequest(true), aRequest(false)];
  const all = [first, second, unseen];
  await Promise.all(all.map((root) => running.run(root, () => lane.run('announce', { id: newId() }))));
  all.forEach(end);
  const commands = named('announce');
  expect(commands.map(({ context }) => context.traceId).sort()).toEqual([first.traceId, second.traceId].sort());
  for (const root of [first, second])
    expect(commands.find(({ context }) => context.traceId === root.traceId)).toMatchObject({
      parentSpanId: root.span.context.spanId,
      attributes: { 'flash_sale.batch.items': 3 },
    });
  const transactions = named('order transaction');
  expect(transactions).toMatchObject([{ attributes: { 'db.operation.batch.size': 3 } }]);
  expect(transactions[0]!.links.map(({ spanId }) => spanId).sort()).toEqual(
    commands.map(({ context }) => context.spanId).sort(),
  );
});

test('what follows from a command names it, and whether it is recorded', async () => {
  const [root, unseen] = [aRequest(true), aRequest(false)];
  for (const one of [root, unseen]) {
    await running.run(one, () => lane.run('announce', { id: newId() }));
    end(one);
  }
  await lane.run('announce', { id: newId() });
  const [first, second, none] = originsOf(delivered);
  expect(first).toEqual(named('announce')[0]!.context);
  expect(second).toMatchObject({ traceId: unseen.traceId, isSampled: false });
  expect(none).toBeUndefined();
  expect(contextOf(delivered[0]!.events[0]!)!.since).toBeGreaterThan(Date.now() - 60_000);
});

test('an event is handled below what brought it about, and what follows from it is below that', async () => {
  const origin = { traceId: newTraceId(), spanId: newSpanId(), isSampled: true };
  await lane.receive([inContext(counted(), { traceparent: traceparentOf(origin) })], 'deliver');
  const [handling] = named('order handles stock.commit-refused');
  expect(handling).toMatchObject({ parentSpanId: origin.spanId, context: { traceId: origin.traceId } });
  expect(originsOf(delivered)).toEqual([handling!.context]);
});

test('an event of somebody who is traced is handed on where we are not', async () => {
  const untraced = openTallyLane(database.url, {
    deliver: (records) => Promise.resolve(void delivered.push(...records)),
  });
  const origin = { traceId: newTraceId(), spanId: newSpanId(), isSampled: true };
  await untraced.lane.receive([inContext(counted(), { traceparent: traceparentOf(origin) })], 'deliver');
  await untraced.close();
  expect(originsOf(delivered)).toEqual([origin]);
});

test('an event that cannot be handled is told of with the reason, though nobody had chosen it', async () => {
  const origin = { traceId: newTraceId(), spanId: newSpanId(), isSampled: false };
  const event = inContext(counted({ userId: poisonousUser }), { traceparent: traceparentOf(origin) });
  const { failures } = await lane.receive([event], 'deliver');
  expect(failures).toMatchObject([{ kind: 'poison' }]);
  expect(named('order handles stock.commit-refused')).toMatchObject([
    { failure: 'poisonous', context: { traceId: origin.traceId } },
  ]);
});

test('a command waits for a transaction as long as one is under way, and says so', async () => {
  const [first, second] = [aRequest(true), aRequest(true)];
  const id = newId();
  await admin.query('INSERT INTO tallies VALUES ($1, 0)', [id]);
  // A connection of its own: within a transaction, statistics stay as they were first seen.
  const holder = new pg.Client({ connectionString: database.adminUrl });
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM tallies WHERE id = $1 FOR UPDATE', [id]);
  const blocked = running.run(first, () => lane.run('add', { id, by: 1 }));
  while (lane.queued > 0 || (await blockedBackends()) === 0) await new Promise((resolve) => setImmediate(resolve));
  const waiting = running.run(second, () => lane.run('add', { id: newId(), by: 1 }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await holder.query('COMMIT');
  await holder.end();
  await Promise.all([blocked, waiting]);
  [first, second].forEach(end);
  const waits = named('waits in the lane').find(({ context }) => context.traceId === second.traceId)!;
  const command = named('add').find(({ context }) => context.traceId === second.traceId)!;
  expect(waits.parentSpanId).toBe(command.context.spanId);
  expect(waits.endedAtMs - waits.startedAtMs).toBeGreaterThanOrEqual(45);
});

const blockedBackends = async () =>
  (await admin.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`))
    .rowCount ?? 0;
