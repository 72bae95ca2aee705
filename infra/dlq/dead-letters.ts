import { connect, type ConfirmChannel, type GetMessage } from 'amqplib';
import type { ServiceName } from '@flash-sale/shared/events/subscriptions.ts';
import { copyOf } from '@flash-sale/shared/messaging/amqp-messages.ts';
import { assertTopology, deadQueueOf, subscribingServices } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { deadLetterOf, type DeadLetter } from './dead-letter.ts';
import { isSelected, type Selection } from './selection.ts';

/** Of each queue; they are held all at once, so that none is looked at twice. */
const mostRead = 10_000;
const connectWithinMs = 5_000;

/** `keep`: it stays where it is. */
export type Verdict = 'keep' | 'replay' | 'drop';

export interface Outcome {
  letters: DeadLetter[];
  /** Of those, how many could not be given to their service again. */
  refused: number;
  /** The services of which there was more than is read at once. */
  unread: ServiceName[];
}

/**
 * Looks at the dead letters that are selected and does the same with each of them. A replayed one leaves its place only
 * when the broker has it in the queue of its service.
 * @throws when the broker cannot be reached, or leaves in the middle
 */
export async function forDeadLetters(url: string, selection: Selection, verdict: Verdict): Promise<Outcome> {
  const model = await connect(url, { timeout: connectWithinMs });
  model.on('error', () => {}); // whatever is under way then is rejected
  try {
    const channel = await model.createConfirmChannel();
    channel.on('error', () => {});
    await assertTopology(channel);
    const outcome: Outcome = { letters: [], refused: 0, unread: [] };
    const services = selection.service ? [selection.service] : subscribingServices;
    for (const service of services) await forService(channel, service, selection, verdict, outcome);
    // With the channel everything that was taken and not acknowledged returns to its queue.
    await channel.close();
    return outcome;
  } finally {
    await model.close().catch(() => {});
  }
}

async function forService(
  channel: ConfirmChannel,
  service: ServiceName,
  selection: Selection,
  verdict: Verdict,
  outcome: Outcome,
): Promise<void> {
  const queue = deadQueueOf(service);
  const { messageCount } = await channel.checkQueue(queue);
  if (messageCount > mostRead) outcome.unread.push(service);
  for (let read = 0; read < Math.min(messageCount, mostRead); read += 1) {
    const message = await channel.get(queue);
    if (!message) return;
    const letter = deadLetterOf(message, service);
    if (!isSelected(letter, selection)) continue;
    outcome.letters.push(letter);
    if (verdict === 'replay' && !(await replay(channel, message, service))) outcome.refused += 1;
    else if (verdict !== 'keep') channel.ack(message);
  }
}

/** Without the marks of its failures: what was wrong is put right, or will be found again. */
function replay(channel: ConfirmChannel, message: GetMessage, service: ServiceName): Promise<boolean> {
  const { content, options } = copyOf(message, {});
  return new Promise((resolve) => {
    let returned = false;
    const onReturn = () => (returned = true);
    channel.once('return', onReturn);
    channel.sendToQueue(service, content, options, (error: unknown) => {
      channel.off('return', onReturn);
      resolve(!error && !returned);
    });
  });
}
