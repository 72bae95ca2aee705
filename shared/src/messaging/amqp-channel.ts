import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConfirmChannel } from 'amqplib';

const connectWithinMs = 5_000;
const closeWithinMs = 1_000;
/** Longest that one queue is waited for when several are looked at. */
const answerWithinMs = 1_000;
/** RabbitMQ waits 250 ms for a quorum queue's leader to say how much it holds, and then tells 0, of consumers too (`rabbit_quorum_queue:stat`). */
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

type Asked = Pick<ConfirmChannel, 'checkQueue'>;

/** As the broker tells it of a queue. */
export interface QueueState {
  /** Without those that a consumer has and has not acknowledged. */
  messages: number;
  consumers: number;
}

/**
 * How a queue stands; undefined if the broker does not know: that it has neither messages nor consumers, and was long in saying so,
 * may stand for a queue that has just been started, or for a busy broker. Not to be called side by side on one channel, where one
 * answer waits for the other.
 */
async function stateOf(channel: Asked, queue: string): Promise<QueueState | undefined> {
  const askedAtMs = performance.now();
  const { messageCount: messages, consumerCount: consumers } = await channel.checkQueue(queue);
  const isKnown = messages + consumers > 0 || performance.now() - askedAtMs < countedWithinMs;
  return isKnown ? { messages, consumers } : undefined;
}

/**
 * The same of several queues, one after the other, so that the time that an answer takes is its own; without those that are not known.
 * Each has a second for its answer, so that all may take as many seconds as there are queues. Nobody is asked any more after one that has not
 * answered: a broker short of memory is silent on a connection that has published, for as long as it is.
 */
export async function statesOf<Queue extends string>(
  channel: Asked,
  queues: readonly Queue[],
): Promise<Partial<Record<Queue, QueueState>>> {
  const states: Partial<Record<Queue, QueueState>> = {};
  for (const queue of queues) {
    const silence = sleep(answerWithinMs, 'silent' as const, { ref: false });
    const state = await Promise.race([stateOf(channel, queue), silence]);
    if (state === 'silent') break;
    if (state) states[queue] = state;
  }
  return states;
}

/** How many messages lie in a queue, without those that a consumer has and has not acknowledged. Asks again until it is known. */
export async function messagesIn(channel: Asked, queue: string): Promise<number> {
  for (;;) {
    const state = await stateOf(channel, queue);
    if (state) return state.messages;
  }
}
