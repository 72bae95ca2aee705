import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { messagesIn, statesOf, withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import {
  consumedQueues,
  deadQueueOf,
  retrySteps,
  subscribingServices,
} from '@flash-sale/shared/messaging/amqp-topology.ts';

/** For a broker that hangs: one that is busy with a crowd, on a machine that is, takes seconds. */
const answerWithinMs = 30_000;

/** How many dead letters there are of each service. @throws when the broker cannot be reached or does not answer */
export async function countDeadLetters(url: string): Promise<[ServiceName, number][]> {
  const counts = await countMessages(url, subscribingServices.map(deadQueueOf));
  return subscribingServices.map((service, index) => [service, counts[index]!]);
}

/**
 * How many messages wait for their service, be it in its queues or for another try. What a service has taken and not
 * acknowledged is not among them: AMQP does not tell. @throws as above
 */
export async function countWaiting(url: string): Promise<number> {
  return (await countWaitingByQueue(url)).reduce((sum, [, count]) => sum + count, 0);
}

/** The same for each queue and step of retries. */
export async function countWaitingByQueue(url: string): Promise<[queue: string, count: number][]> {
  const queues = [...consumedQueues, ...retrySteps.map(({ name }) => name)];
  const counts = await countMessages(url, queues);
  return queues.map((queue, index) => [queue, counts[index]!]);
}

/**
 * How many messages lie in queues that no process takes anything from, as where only processes of a release run that does not know a
 * queue; undefined where RabbitMQ does not say. @throws when the broker cannot be reached
 */
export async function countUntaken(url: string): Promise<[queue: string, count: number | undefined][]> {
  const states = await withChannel(url, (channel) => statesOf(channel, consumedQueues));
  return consumedQueues.flatMap((queue): [string, number | undefined][] => {
    const { messages, consumers = 0 } = states[queue] ?? {};
    return messages === 0 || consumers > 0 ? [] : [[queue, messages]];
  });
}

function countMessages(url: string, queues: string[]): Promise<number[]> {
  return withChannel(url, (channel) => {
    const counts = async () => {
      const known: number[] = [];
      for (const queue of queues) known.push(await messagesIn(channel, queue));
      return known;
    };
    const silence = sleep(answerWithinMs, undefined, { ref: false }).then(() => {
      throw new Error('it does not answer');
    });
    return Promise.race([counts(), silence]);
  });
}
