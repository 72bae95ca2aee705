import { until } from '../../test-kit/until.ts';
import { Shop } from '../../test-kit/stack/shop.ts';
import type { DatabaseName } from '../../infra/launcher/database-names.ts';
import { withClient } from '../../infra/launcher/databases.ts';
import { servicesIn, type Stack } from '../../infra/launcher/stack-types.ts';
import { reserveForCrowd, type PendingReservations } from './pending-reservations.ts';
import { readProcesses } from './procfs.ts';
import { untilQuiet } from './quiet.ts';
import { type Usage, cpuSecondsOf, processTreesOf } from './usage.ts';

/** Requests that gathered while the inventory was away, and what became of them. */
export interface BacklogResult {
  events: number;
  eventsPerSecond: number;
  /** From the first one taken to the last one held; the same from the start of the inventory's processes. */
  seconds: number;
  secondsFromStart: number;
  /** From the first one taken until reservation and payment knew of every hold. */
  secondsToOrders: number;
  /** Rows that are as they should be; of each, as many as there were requests. */
  counted: Record<'unitsHeld' | 'holds' | 'reservations' | 'orders' | 'payables', number>;
  /** From the start of the inventory's processes to the last one held. */
  usage: Usage[];
}

const withinMs = 300_000;
const lookEveryMs = 500;
const spareUnits = 1_000;
const priceCents = 1_999;

/**
 * Lets so many requests gather while the inventory is away, brings it back, and measures until it has decided them all. Whatever shares
 * its processes is away and comes back with it.
 * Taken is the first one when its transaction begins, by PostgreSQL's clock; settled is the last one when its hold is
 * committed, as a look every 50 ms sees it. What the other services do with each decision goes on meanwhile on the same
 * processors, and is waited for as well. Throws when either takes longer than five minutes.
 */
export async function measureBacklog(stack: Stack, events: number): Promise<BacklogResult> {
  await untilQuiet(stack);
  const product = await new Shop(stack).aProduct({
    name: 'Backlog',
    listed: false,
    stock: events + spareUnits,
    priceCents,
  });
  const inventory = stack.processes
    .filter((process) => servicesIn(process).some(({ service }) => service === 'inventory'))
    .map(({ name }) => name);
  await Promise.all(inventory.map((name) => stack.stopProcess(name)));
  const crowd = await reserveForCrowd(stack, product.id, events);

  const cpuUsed = cpuMeter(stack);
  const startedAtMs = Date.now();
  const [settledAtMs] = await Promise.all([
    untilHeld(stack, product.id, events),
    ...inventory.map((name) => stack.startProcess(name)),
  ]);
  const usage = cpuUsed();
  const takenAtMs = await firstTakenAt(stack, startedAtMs);
  await until('an order for each reservation', () => isFollowed(stack, crowd, events), withinMs, lookEveryMs);
  const followedAtMs = Date.now();

  const seconds = (settledAtMs - takenAtMs) / 1_000;
  return {
    events,
    eventsPerSecond: events / seconds,
    seconds,
    secondsFromStart: (settledAtMs - startedAtMs) / 1_000,
    secondsToOrders: (followedAtMs - takenAtMs) / 1_000,
    counted: await outcome(stack, crowd, product.id),
    usage,
  };
}

/** A row is looked at, not all holds: counting them would take the processors from what is measured. */
async function untilHeld(stack: Stack, productId: string, events: number): Promise<number> {
  await withClient(stack.databaseUrls.inventory, (db) =>
    until(
      'every request held',
      async () => {
        const stock = await db.query('SELECT FROM stock WHERE product_id = $1 AND held >= $2', [productId, events]);
        return stock.rowCount === 1;
      },
      withinMs,
    ),
  );
  return Date.now();
}

async function firstTakenAt(stack: Stack, startedAtMs: number): Promise<number> {
  const sql = `SELECT extract(epoch FROM min(received_at)) * 1000 AS n FROM inbox
                WHERE received_at >= to_timestamp($1::double precision / 1000)`;
  return numberOf(stack, 'inventory', sql, [startedAtMs]);
}

const orders = `SELECT count(*) AS n FROM orders WHERE id BETWEEN $1 AND $2
                   AND status = 'awaiting-payment' AND total_cents = ${priceCents}`;
const payables = `SELECT count(*) AS n FROM payables WHERE order_id BETWEEN $1 AND $2
                     AND status = 'open' AND amount_cents = ${priceCents}`;
const reservations = `SELECT count(*) AS n FROM reservations WHERE id BETWEEN $1 AND $2
                         AND status = 'held' AND total_cents = ${priceCents}`;
const holds = `SELECT count(*) AS n FROM holds WHERE reservation_id BETWEEN $1 AND $2 AND state = 'held'`;

async function isFollowed(stack: Stack, crowd: PendingReservations, events: number): Promise<boolean> {
  const known = await Promise.all([
    numberOf(stack, 'reservation', reservations, crowd.reservations),
    numberOf(stack, 'payment', payables, crowd.orders),
  ]);
  return known.every((n) => n === events);
}

async function outcome(stack: Stack, crowd: PendingReservations, productId: string): Promise<BacklogResult['counted']> {
  const held = 'SELECT held AS n FROM stock WHERE product_id = $1 AND sold = 0';
  return {
    unitsHeld: await numberOf(stack, 'inventory', held, [productId]),
    holds: await numberOf(stack, 'inventory', holds, crowd.reservations),
    reservations: await numberOf(stack, 'reservation', reservations, crowd.reservations),
    orders: await numberOf(stack, 'order', orders, crowd.orders),
    payables: await numberOf(stack, 'payment', payables, crowd.orders),
  };
}

function numberOf(stack: Stack, database: DatabaseName, sql: string, values: unknown[]): Promise<number> {
  return withClient(stack.databaseUrls[database], async (db) => {
    const { rows } = await db.query<{ n: string }>(sql, values);
    return Number(rows[0]?.n ?? Number.NaN);
  });
}

/** Processor time of each process of the stack from now on; of one that starts later, from its start. */
function cpuMeter(stack: Stack): () => BacklogResult['usage'] {
  const before = cpuSecondsOf(readProcesses(), processTreesOf(stack.processes));
  const pidOf = new Map(stack.processes.map(({ name, pid }) => [name, pid]));
  return () => {
    const trees = processTreesOf(stack.processes);
    const after = cpuSecondsOf(readProcesses(), trees);
    return trees.map(({ name, pid }) => {
      const earlier = pidOf.get(name) === pid ? (before.get(name) ?? 0) : 0;
      return { name, cpuSeconds: (after.get(name) ?? 0) - earlier, peakBytes: 0 };
    });
  };
}
