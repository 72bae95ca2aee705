import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { Replies } from 'amqplib';
import { messagesIn, statesOf } from './amqp-channel.ts';

const leaderAwayMs = 250;

/** A broker whose queue has no leader for its first answers, and then holds so many messages. */
function broker({ leaderless, holds }: { leaderless: number; holds: number }) {
  let asked = 0;
  const checkQueue = async (queue: string): Promise<Replies.AssertQueue> => {
    asked += 1;
    const hasLeader = asked > leaderless;
    if (!hasLeader) await sleep(leaderAwayMs);
    return { queue, messageCount: hasLeader ? holds : 0, consumerCount: 0 };
  };
  return { checkQueue, asked: () => asked };
}

test.each([0, 7])('a queue without a leader is not taken for an empty one (it holds %i)', async (holds) => {
  const queue = broker({ leaderless: 2, holds });
  expect(await messagesIn(queue, 'retry.30s')).toBe(holds);
  expect(queue.asked()).toBeGreaterThanOrEqual(3);
});

test('a queue with a leader is asked once', async () => {
  const queue = broker({ leaderless: 0, holds: 7 });
  expect(await messagesIn(queue, 'order')).toBe(7);
  expect(queue.asked()).toBe(1);
});

describe('the states of several queues', () => {
  const answer = (queue: string) => Promise.resolve({ queue, messageCount: 1, consumerCount: 2 });
  const told = { messages: 1, consumers: 2 };

  test('are asked one after the other, so that none is judged by the time of another', async () => {
    let open = 0;
    const checkQueue = async (queue: string) => {
      expect((open += 1)).toBe(1);
      await sleep(queue === 'order' ? leaderAwayMs : 1);
      open -= 1;
      return queue === 'order' ? { queue, messageCount: 0, consumerCount: 0 } : answer(queue);
    };
    const states = await statesOf({ checkQueue }, ['order', 'payment', 'inventory']);
    expect(states).toEqual({ payment: told, inventory: told });
  });

  test('are known as far as the broker answers, which is not waited for', async () => {
    const asked: string[] = [];
    const checkQueue = (queue: string): ReturnType<typeof answer> => {
      asked.push(queue);
      return queue === 'order' ? new Promise(() => {}) : answer(queue);
    };
    expect(await statesOf({ checkQueue }, ['payment', 'order', 'inventory'])).toEqual({ payment: told });
    expect(asked).toEqual(['payment', 'order']);
  });

  test('are not told when the channel is lost', async () => {
    const checkQueue = () => Promise.reject(new Error('channel closed'));
    await expect(statesOf({ checkQueue }, ['order'])).rejects.toThrow('channel closed');
  });
});
