import { databaseSchema } from '@flash-sale/shared/config.ts';
import { stacks, type StackName } from '@flash-sale/shared/stacks.ts';
import type { DatabaseName } from '../launcher/database-names.ts';
import { servicesWithDatabase } from '@flash-sale/contract/services.ts';
import { givenUp } from './checks/outbox.ts';
import type { Snapshot } from './snapshot.ts';

/** As the services have it, unless they are told otherwise. */
export const usualMaxAttempts = databaseSchema.shape.OUTBOX_MAX_ATTEMPTS.parse(undefined);
/** A payment may come before its order, and waits for it longer than a hold lasts; after this it is lost. */
const orderWaitMs = 600_000;

export interface QuietOptions {
  stack: StackName;
  maxAttempts: number;
  /** Messages that wait in a broker, by queue. Without it, a stack that has one and unsettled rows cannot be told from a slow one. */
  messagesUnderWay?: (() => Promise<[queue: string, count: number][]>) | undefined;
}

/**
 * What is still under way, in words; nothing if the platform is at rest. Every event stands in an outbox until those who
 * handle it (over HTTP) or the broker have it, so with empty outboxes, and a broker without messages, all has arrived.
 */
export async function underWay(snapshot: Snapshot, options: QuietOptions): Promise<string[]> {
  const { stack, maxAttempts, messagesUnderWay } = options;
  const counts: [count: number, what: string][] = [];
  for (const service of servicesWithDatabase) {
    const records = `SELECT count(*) AS n FROM outbox WHERE NOT (${givenUp(maxAttempts)})`;
    counts.push([await count(snapshot, service, records), `events in the outbox of ${service}`]);
  }
  const orderless = `status = 'pending' AND amount_cents IS NULL
                     AND created_at > clock_timestamp() - interval '${orderWaitMs} milliseconds'`;
  counts.push([await countWhere(snapshot, 'payment', 'payments', orderless), 'payments that wait for their order']);
  // Where we cannot look into the broker, what is not settled may be on its way through it.
  if (stacks[stack].events === 'amqp' && !messagesUnderWay) {
    counts.push(
      [await countWhere(snapshot, 'reservation', 'reservations', "status = 'pending'"), 'pending reservations'],
      [await countWhere(snapshot, 'order', 'orders', "status = 'paid'"), 'paid orders that are not confirmed'],
      [await countWhere(snapshot, 'payment', 'payments', "status = 'pending'"), 'pending payments'],
    );
  }
  return [...inWords(counts), ...waitingInWords((await messagesUnderWay?.()) ?? [])];
}

/** By queue, for one that stays as it is may be one that nobody takes from. */
function waitingInWords(queues: [queue: string, count: number][]): string[] {
  const messages = queues.reduce((sum, [, n]) => sum + n, 0);
  const byQueue = inWords(queues.map(([queue, n]) => [n, queue])).join(', ');
  return messages > 0 ? [`messages in the broker: ${messages} (${byQueue})`] : [];
}

export function inWords(counts: [count: number, what: string][]): string[] {
  return counts.filter(([n]) => n > 0).map(([n, what]) => `${what}: ${n}`);
}

const countWhere = (snapshot: Snapshot, database: DatabaseName, table: string, condition: string) =>
  count(snapshot, database, `SELECT count(*) AS n FROM ${table} WHERE ${condition}`);

async function count(snapshot: Snapshot, database: DatabaseName, sql: string): Promise<number> {
  const [row] = await snapshot.query<{ n: number }>(database, sql);
  return row?.n ?? 0;
}
