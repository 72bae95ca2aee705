import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConfirmChannel } from 'amqplib';

const connectWithinMs = 5_000;
const closeWithinMs = 1_000;
/** RabbitMQ waits 250 ms for a quorum queue's leader to say how much it holds, and then tells 0 (`rabbit_quorum_queue:stat`). */
const countedWithinMs = 200;

/**
 * Does something on a channel of its own. What was taken on it and not acknowledged then returns to its queue.
 * @throws when the broker cannot be reached, or leaves in the middle
 */
export async function withChannel<Result>(
  url: string,
  use: (channel: ConfirmChannel) => Promise<Result>,
): Promise<Result> {
  const model = await connect(url, { timeout: connectWithinMs });
  model.on('error', () => {}); // whatever is under way then is rejected
  try {
    const channel = await model.createConfirmChannel();
    channel.on('error', () => {});
    const result = await use(channel);
    await inTime(channel.close());
    return result;
  } finally {
    await inTime(model.close()).catch(() => {});
  }
}

/** A broker that is short of memory or disk does not even answer a goodbye; it sees the end of the connection. */
const inTime = (goodbye: Promise<void>) => Promise.race([goodbye, sleep(closeWithinMs, undefined, { ref: false })]);

/**
 * How many messages lie in a queue, without those that a consumer has and has not acknowledged. Asks again until it is known: a
 * 0 that was long in coming may stand for a queue that has just been started, or for a busy broker. Not to be called side by
 * side on one channel, where one answer waits for the other.
 */
export async function messagesIn(channel: Pick<ConfirmChannel, 'checkQueue'>, queue: string): Promise<number> {
  for (;;) {
    const askedAtMs = performance.now();
    const { messageCount } = await channel.checkQueue(queue);
    if (messageCount > 0 || performance.now() - askedAtMs < countedWithinMs) return messageCount;
  }
}
