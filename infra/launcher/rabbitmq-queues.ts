import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { consumedQueues } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { diskFreeLimitBytes } from './rabbitmq-files.ts';

const answerWithinMs = 5_000;
/** So long a queue of a service must have looked as if nobody listened, before the broker is asked what is wrong. */
const suspiciousForMs = 5_000;
/** Asking takes a second of one core, and a service that is away on purpose looks the same. */
const askAgainAfterMs = 30_000;

interface Broker {
  url: string;
  /** Where it keeps its data. */
  folder: string;
  /** Runs rabbitmqctl, and answers its output. @throws when it fails */
  control: (...args: string[]) => Promise<string>;
}

/**
 * Finds queues that are dead in a broker that runs: once a disk was full for a moment, RabbitMQ goes on accepting
 * connections and takes nothing into its queues any more, until it is started again.
 *
 * What is asked for often is what costs nothing: how many consumers the services' queues have. A dead queue has none,
 * and neither has one whose service is away, so that the broker itself then says which it is. One that does not answer is
 * slow, and not judged by this.
 * @returns a function to be called every few seconds, which answers the reason to start the broker again, if there is one
 */
export function deadQueues({ url, folder, control }: Broker): () => Promise<string | undefined> {
  let suspiciousSinceMs: number | undefined;
  let askedAtMs = -Infinity;
  return async () => {
    const nowMs = performance.now();
    if (!(await hasQueueWithoutConsumers(url))) suspiciousSinceMs = undefined;
    else suspiciousSinceMs ??= nowMs;
    if (suspiciousSinceMs === undefined || nowMs - suspiciousSinceMs < suspiciousForMs) return undefined;
    if (nowMs - askedAtMs < askAgainAfterMs) return undefined;
    askedAtMs = nowMs;
    const states = await control('--quiet', 'list_queues', '--no-table-headers', 'name', 'state').catch(() => '');
    const down = states.split('\n').flatMap((line) => /^(\S+)\s+down$/.exec(line.trim())?.[1] ?? []);
    // While the disk is full, a start would only fail.
    if (down.length === 0 || (await bytesFree(folder)) < diskFreeLimitBytes) return undefined;
    suspiciousSinceMs = undefined;
    return `its queues are down: ${down.join(', ')}`;
  };
}

async function hasQueueWithoutConsumers(url: string): Promise<boolean> {
  const look = withChannel(url, async (channel) => {
    for (const queue of consumedQueues) if ((await channel.checkQueue(queue)).consumerCount === 0) return true;
    return false;
  });
  // Away, or without the queues as yet: nothing to see.
  return Promise.race([look.catch(() => false), sleep(answerWithinMs, false, { ref: false })]);
}

async function bytesFree(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
