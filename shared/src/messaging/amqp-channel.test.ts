import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Replies } from 'amqplib';
import { messagesIn } from './amqp-channel.ts';

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
