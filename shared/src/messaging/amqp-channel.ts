import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConfirmChannel } from 'amqplib';

const connectWithinMs = 5_000;
const closeWithinMs = 1_000;

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
