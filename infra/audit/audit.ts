import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { nounOf } from '../counted.ts';
import type { RunningStack } from '../launcher/running-stack.ts';
import { Undecided, type Check, type Finding, type Invariant } from './check.ts';
import { chargesEqualOrders } from './checks/bills.ts';
import { noDeadLetters, orUndecided } from './checks/dead-letters.ts';
import { countWaitingByQueue } from '../dlq/broker.ts';
import { paymentsEqualLedger } from './checks/ledger.ts';
import { withinLimits } from './checks/limits.ts';
import { oneCaptureInLedger, oneCaptureInPayments } from './checks/one-capture.ts';
import { reservationsHaveOrders } from './checks/orders.ts';
import { nothingGivenUp } from './checks/outbox.ts';
import { redisEqualsStock } from './checks/redis.ts';
import { reservationsMatchHolds } from './checks/reservations.ts';
import { ordersSettled, paymentsSettled, reservationsSettled } from './checks/settled.ts';
import { soldEqualsConfirmed } from './checks/sold-units.ts';
import { neverOversold, stockEqualsHolds } from './checks/stock.ts';
import { underWay, usualMaxAttempts, type QuietOptions } from './quiet.ts';
import { Databases, type Snapshot } from './snapshot.ts';

export interface AuditOptions {
  stack: Pick<RunningStack, 'stack' | 'databaseUrls' | 'redisUrl' | 'amqpUrl' | 'outboxMaxAttempts'>;
  /** How long it may take until nothing is under way. */
  quietWithinMs?: number;
  /** How long Redis may stay behind PostgreSQL. */
  redisPatienceMs?: number;
  messagesUnderWay?: QuietOptions['messagesUnderWay'];
  /** Hears of each check as it is done. */
  onCheck?: (check: CheckResult) => void;
  /** Hears of what is still under way, whenever that has changed. */
  onWait?: (what: string) => void;
}

export interface CheckResult {
  invariant: Invariant;
  title: string;
  counted: number;
  unit: string;
  ok: boolean;
}

export interface AuditReport {
  /** `undecided`: not at rest in time, or something could not be reached. */
  verdict: 'passed' | 'failed' | 'undecided';
  /** Those that were done, in order; the last one is the one that failed, if one did. */
  checks: CheckResult[];
  /** What is wrong, or why it cannot be told: sentences that name ids. Empty if it passed. */
  found: string[];
}

const triesForOneMoment = 40;
const lookAgainMs = 200;
const takenPatienceMs = 3_000;

/** True at every moment, each in its own database: proved on a stack under load as well. */
const always: Check[] = [neverOversold, stockEqualsHolds, oneCaptureInPayments, oneCaptureInLedger, withinLimits];

/** True when nothing is under way: they compare databases with each other, as of one moment. */
const atRest: Check[] = [
  reservationsSettled,
  ordersSettled,
  paymentsSettled,
  soldEqualsConfirmed,
  chargesEqualOrders,
  paymentsEqualLedger,
  reservationsMatchHolds,
  reservationsHaveOrders,
];

/**
 * Proves the invariants on a stack, reading only. Does not throw for anything that it finds or cannot reach; that is
 * what the report is for.
 */
export async function runAudit(options: AuditOptions): Promise<AuditReport> {
  const report: AuditReport = { verdict: 'passed', checks: [], found: [] };
  try {
    await using databases = await Databases.connect(options.stack.databaseUrls);
    await audit(databases, options, report);
  } catch (error) {
    if (error instanceof Discrepancy) return { ...report, verdict: 'failed', found: error.found };
    return { ...report, verdict: 'undecided', found: [reasonOf(error)] };
  }
  return report;
}

async function audit(databases: Databases, options: AuditOptions, report: AuditReport): Promise<void> {
  const { stack, quietWithinMs = 30_000, redisPatienceMs = 5_000, onCheck, onWait } = options;
  const maxAttempts = stack.outboxMaxAttempts ?? usualMaxAttempts;
  const prove = async (checks: Check[], snapshot: Snapshot) => {
    for (const check of checks) tell(check, await check.run(snapshot));
  };
  const tell = ({ invariant, title, unit }: Check, { counted, wrong }: Finding) => {
    const result = { invariant, title, unit: nounOf(counted, unit), counted, ok: wrong.length === 0 };
    report.checks.push(result);
    onCheck?.(result);
    if (wrong.length > 0) throw new Discrepancy(wrong);
  };
  /** For what was proved before, at a later moment: it is told again only if it is not true any more. */
  const proveStill = async (checks: Check[], snapshot: Snapshot) => {
    for (const check of checks) {
      const finding = await check.run(snapshot);
      if (finding.wrong.length > 0) tell(check, finding);
    }
  };

  const lost = nothingGivenUp(maxAttempts);
  await databases.view(1, (snapshot) => prove([...always, lost], snapshot));
  const putAside = stack.amqpUrl === undefined ? undefined : noDeadLetters(stack.amqpUrl);
  if (putAside) await prove([putAside], noSnapshot);
  /** What was put aside while we waited is why something did not come to rest, or lies there when all is quiet. */
  const lookAgain = () => proveStill(putAside ? [putAside] : [], noSnapshot);

  const messagesUnderWay =
    options.messagesUnderWay ??
    (stack.amqpUrl === undefined ? undefined : () => orUndecided(countWaitingByQueue(stack.amqpUrl!)));
  const quiet: QuietOptions = { stack: stack.stack, maxAttempts, messagesUnderWay };
  /** Until when what looks wrong may be explained by a message that a service has taken and not worked in yet. */
  let patientUntil: number | undefined;
  const patienceMs = Math.min(takenPatienceMs, quietWithinMs / 2);
  const mayStillArrive = () =>
    stack.amqpUrl !== undefined && performance.now() < (patientUntil ??= performance.now() + patienceMs);
  const proveIfAtRest = async (snapshot: Snapshot): Promise<string[]> => {
    if (!snapshot.common) return ['transactions that leave no moment between them'];
    // What was given up while we waited will not come to rest.
    await proveStill([lost], snapshot);
    const open = await underWay(snapshot, quiet);
    if (open.length > 0) return open;
    // What has happened while we waited may have broken what was true at the beginning.
    await proveStill(always, snapshot);
    const found: [Check, Finding][] = [];
    for (const check of atRest) {
      const one = await check.run(snapshot);
      if (one.wrong.length > 0 && mayStillArrive()) return [`it is not true yet that ${check.title}`];
      found.push([check, one]);
      if (one.wrong.length > 0) break;
    }
    for (const [check, one] of found) tell(check, one);
    return [];
  };
  const until = performance.now() + quietWithinMs;
  for (let said = ''; ;) {
    const open = (await databases.view(triesForOneMoment, proveIfAtRest)).join(', ');
    if (open === '') break;
    if (performance.now() > until) {
      await databases.view(1, (snapshot) => proveStill(always, snapshot));
      await lookAgain();
      throw new Undecided(`Not at rest within ${quietWithinMs / 1000} s; ${open}.`);
    }
    if (open !== said) onWait?.(open);
    said = open;
    await sleep(lookAgainMs);
  }

  await lookAgain();
  await using redis = await connectRedis(stack.redisUrl);
  // It looks more than once, each time with a view of its own.
  await prove([redisEqualsStock(databases, redis.client, redisPatienceMs)], noSnapshot);
}

const nothing = () => {
  throw new Error('this check opens its own views');
};
const noSnapshot: Snapshot = { common: false, query: nothing, stream: nothing };

class Discrepancy extends Error {
  readonly found: string[];

  constructor(found: string[]) {
    super(found[0]);
    this.found = found;
  }
}

async function connectRedis(url: string): Promise<AsyncDisposable & { client: Redis }> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 1_000,
    commandTimeout: 10_000,
    retryStrategy: null,
  });
  let reason: unknown;
  client.on('error', (error) => (reason ??= error));
  const close = () => Promise.resolve(client.disconnect());
  try {
    await client.connect();
  } catch (error) {
    await close();
    throw new Undecided(`Redis cannot be reached: ${reasonOf(reason ?? error)}`);
  }
  return { client, [Symbol.asyncDispose]: close };
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
