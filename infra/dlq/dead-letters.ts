import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfirmChannel, GetMessage } from 'amqplib';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { messagesIn, withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { replayOf } from '@flash-sale/shared/messaging/amqp-messages.ts';
import { deadQueueOf, subscribingServices } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { deadLetterOf, type DeadLetter } from './dead-letter.ts';
import { isSelected, type Selection } from './selection.ts';

/** Of each queue; they are held all at once, so that none is looked at twice. */
const maxRead = 10_000;

/** `keep`: it stays where it is. */
export type Verdict = 'keep' | 'replay' | 'drop';

export interface Outcome {
  letters: DeadLetter[];
  /** Of those, how many could not be given to their service again. */
  refused: number;
  /** Whether the broker has left one of the refused without an answer; then none was tried after it. */
  silent: boolean;
  /** The services of which there was more than is read at once. */
  unread: ServiceName[];
}

interface Options {
  /** How long the broker may take to say that it has a message. */
  confirmWithinMs?: number;
}

/**
 * Looks at the dead letters that are selected and does the same with each of them. A replayed one leaves its place only
 * when the broker has it in the queue of its service.
 * @throws when the broker cannot be reached, or leaves in the middle
 */
export async function forDeadLetters(
  url: string,
  selection: Selection,
  verdict: Verdict,
  { confirmWithinMs = 10_000 }: Options = {},
): Promise<Outcome> {
  const outcome: Outcome = { letters: [], refused: 0, silent: false, unread: [] };
  const services = selection.service ? [selection.service] : subscribingServices;
  await withChannel(url, async (channel) => {
    const replay = (message: GetMessage, service: ServiceName) => replayed(channel, message, service, confirmWithinMs);
    for (const service of services) {
      const queue = deadQueueOf(service);
      const messageCount = await messagesIn(channel, queue);
      if (messageCount > maxRead) outcome.unread.push(service);
      for (let read = 0; read < Math.min(messageCount, maxRead); read += 1) {
        const message = await channel.get(queue);
        if (!message) break;
        const letter = deadLetterOf(message, service);
        if (!isSelected(letter, selection)) continue;
        outcome.letters.push(letter);
        const answer = verdict === 'replay' ? await replay(message, service) : 'confirmed';
        if (answer !== 'confirmed') outcome.refused += 1;
        else if (verdict !== 'keep') channel.ack(message);
        // On this connection it will not answer anything else either.
        outcome.silent = answer === undefined;
        if (outcome.silent) return;
      }
    }
  });
  return outcome;
}

/**
 * Gives a message to its service, without the marks of its failures: what was wrong is put right, or will be found again.
 * @returns undefined when the broker did not answer in time. It may take the message yet, which then comes twice; the
 * inbox knows it.
 */
async function replayed(
  channel: ConfirmChannel,
  message: GetMessage,
  service: ServiceName,
  withinMs: number,
): Promise<'confirmed' | 'refused' | undefined> {
  const { content, options } = replayOf(message);
  const outcome = Promise.withResolvers<'confirmed' | 'refused'>();
  let returned = false;
  const onReturn = () => (returned = true);
  channel.once('return', onReturn);
  channel.sendToQueue(service, content, options, (error: unknown) => {
    channel.off('return', onReturn);
    outcome.resolve(error || returned ? 'refused' : 'confirmed');
  });
  const inTime = new AbortController();
  const silence = sleep(withinMs, undefined, { signal: inTime.signal }).catch(() => undefined);
  return Promise.race([outcome.promise, silence]).finally(() => inTime.abort());
}
