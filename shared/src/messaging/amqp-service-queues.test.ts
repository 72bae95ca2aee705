import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { statesOf } from './amqp-channel.ts';
import { ServiceQueues } from './amqp-service-queues.ts';
import { consumedQueues, subscribingServices } from './amqp-topology.ts';

/** What the broker answers of a queue, and how long it takes for that. */
interface Answer {
  messages?: number;
  consumers?: number;
  tookMs?: number;
}

/** RabbitMQ says this of a queue whose leader has not answered, be it full or empty. */
const noLeader: Answer = { messages: 0, consumers: 0, tookMs: 260 };

let nowMs = 0;
beforeEach(() => {
  nowMs = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => void jest.restoreAllMocks());

/** A broker of which each queue has a consumer, unless its answers are told. */
function aBroker() {
  const answers: Record<string, Answer> = {};
  const asked: string[] = [];
  const checkQueue = (queue: string) => {
    asked.push(queue);
    const { messages = 0, consumers = 1, tookMs = 1 } = answers[queue] ?? {};
    nowMs += tookMs;
    return Promise.resolve({ queue, messageCount: messages, consumerCount: consumers });
  };
  const queues = new ServiceQueues({ statesOf: (names) => statesOf({ checkQueue }, names) });
  return { queues, answers, asked };
}

const takers = (queues: ServiceQueues) => subscribingServices.filter((service) => queues.takesBatches(service));

describe('who takes batches', () => {
  test('is nobody until the broker has been asked, and then who listens', async () => {
    const { queues, asked } = aBroker();
    expect(takers(queues)).toEqual([]);
    await queues.look();
    expect(takers(queues)).toEqual(subscribingServices);
    expect(asked.toSorted()).toEqual(consumedQueues.toSorted());
  });

  test('is asked once by those who ask together, however slow the broker is to answer', async () => {
    const { queues, asked } = aBroker();
    await Promise.all([queues.look(), queues.backlog(), queues.look()]);
    expect(asked).toHaveLength(consumedQueues.length);
    await queues.look();
    expect(asked).toHaveLength(2 * consumedQueues.length);
  });

  test('is not a service of which only processes of the release before listen', async () => {
    const { queues, answers } = aBroker();
    await queues.look();
    answers['order.batches'] = { consumers: 0 };
    await queues.look();
    expect(takers(queues)).toEqual(subscribingServices.filter((name) => name !== 'order'));
  });

  test.each(consumedQueues)('stays as it was while %s has no leader', async (queue) => {
    const { queues, answers } = aBroker();
    await queues.look();
    answers[queue] = noLeader;
    await queues.look();
    expect(takers(queues)).toEqual(subscribingServices);
  });

  test('does not change for the worse while all queues are without leaders, nor for the better', async () => {
    const { queues, answers } = aBroker();
    answers['order.batches'] = { consumers: 0 };
    await queues.look();
    for (const queue of consumedQueues) answers[queue] = noLeader;
    await queues.look();
    expect(takers(queues)).toEqual(subscribingServices.filter((name) => name !== 'order'));
  });
});

describe('what waits', () => {
  test('is counted for each service in events', async () => {
    const { queues, answers } = aBroker();
    answers['order'] = { messages: 3 };
    answers['order.batches'] = { messages: 2 };
    queues.noteBatch('order', 5);
    expect(await queues.backlog()).toEqual({ inventory: 0, reservation: 0, order: 13, payment: 0 });
  });

  test.each(['order', 'order.batches'])('is not known of a service while %s has no leader', async (queue) => {
    const { queues, answers } = aBroker();
    answers[queue] = noLeader;
    expect(await queues.backlog()).toEqual({ inventory: 0, reservation: 0, payment: 0 });
  });

  test('is known of queues whose answer is long in coming, and tells of something', async () => {
    const { queues, answers } = aBroker();
    answers['order'] = { messages: 3, consumers: 0, tookMs: 900 };
    answers['order.batches'] = { consumers: 1, tookMs: 900 };
    expect(await queues.backlog()).toMatchObject({ order: 3 });
  });
});
