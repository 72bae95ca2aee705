import { IllegalOperationError, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { statesOf, type QueueState } from './amqp-channel.ts';
import type { Publication } from './amqp-messages.ts';
import { checkTopology } from './amqp-topology.ts';

/** What the broker closes a channel with over a message that it does not take, such as one that is too large. */
const refusalsOfAMessage = [311, 406];
const basicPublish = { classId: 60, methodId: 40 };

/**
 * `confirmed`: on disk in a queue; `returned`: there is no queue for it; `refused`: it is no message that can be
 * sent, or it may be what the broker has closed the channel over; `unreachable`: the broker takes no messages, a full queue included, or nobody knows.
 */
export type Outcome = 'confirmed' | 'returned' | 'refused' | 'unreachable';

interface Session {
  channel: ConfirmChannel;
  /** When each publication left that awaits its confirm, the oldest first. */
  unconfirmed: Map<object, number>;
  /** How many events those carry. */
  unconfirmedEvents: number;
  /** How many messages came back that await their confirm, by `returnKey`. */
  returned: Map<string, number>;
  /** Whether the channel ends over one of the messages that await their confirm. */
  endsOverMessage: boolean;
}

const returnKey = (messageId: string, exchange: string, routingKey: string) => `${messageId} ${exchange} ${routingKey}`;

/** Publishes and learns of each message whether the broker has it on disk, in a queue. */
export class AmqpPublisher {
  readonly #options: { maxUnconfirmed: number; onUnblocked?: () => void };
  #session: Session | undefined;
  #blocked = false;
  /** Settles when the last question is answered. */
  #asked: Promise<unknown> = Promise.resolve();

  /** @param options `maxUnconfirmed`: most events whose confirm has not come; `onUnblocked` hears when the broker takes messages again */
  constructor(options: { maxUnconfirmed: number; onUnblocked?: () => void }) {
    this.#options = options;
  }

  /** Makes a new connection the one to publish on. */
  async setUp(model: ChannelModel, lose: (error: Error) => void): Promise<void> {
    const channel = await model.createConfirmChannel();
    const session: Session = {
      channel,
      unconfirmed: new Map(),
      unconfirmedEvents: 0,
      returned: new Map(),
      endsOverMessage: false,
    };
    channel.on('error', (error: Error) => {
      session.endsOverMessage = isAboutMessage(error);
      lose(error);
    });
    channel.on('close', () => {
      if (this.#session === session) this.#session = undefined;
      lose(new Error('channel closed'));
    });
    channel.on('return', ({ fields, properties }) => {
      const { exchange, routingKey } = fields as unknown as { exchange: string; routingKey: string };
      const key = returnKey(String(properties.messageId), exchange, routingKey);
      session.returned.set(key, (session.returned.get(key) ?? 0) + 1);
    });
    this.#blocked = false;
    model.on('blocked', () => (this.#blocked = true));
    model.on('unblocked', () => {
      this.#blocked = false;
      this.#options.onUnblocked?.();
    });
    await checkTopology(channel);
    this.#session = session;
  }

  /** False while disconnected, and while the broker is short of memory or disk and accepts nothing. */
  get ready(): boolean {
    return this.#session !== undefined && !this.#blocked;
  }

  /** How long the oldest publication has waited for its confirm; undefined if none does. */
  oldestUnconfirmedMs(): number | undefined {
    const [oldest] = this.#session?.unconfirmed.values() ?? [];
    return oldest === undefined ? undefined : performance.now() - oldest;
  }

  /** How each of these queues stands, as far as the broker tells; who asks meanwhile waits, for an answer's time is to be its own. */
  statesOf<Queue extends string>(queues: readonly Queue[]): Promise<Partial<Record<Queue, QueueState>>> {
    const states = this.#asked.then(() => {
      const { channel } = this.#session ?? {};
      return channel && this.ready ? statesOf(channel, queues) : {};
    });
    this.#asked = states.catch(() => {});
    return states;
  }

  /** Publishes at once. `onOutcome` is called once; it may be long in coming, so whoever waits does so with a limit. */
  publish(publication: Publication, onOutcome: (outcome: Outcome) => void): void {
    const { exchange, routingKey, content, options, events = 1 } = publication;
    const session = this.#session;
    if (!session || this.#blocked || !this.#hasRoom(session, events)) {
      onOutcome('unreachable');
      return;
    }
    const ticket = {};
    session.unconfirmed.set(ticket, performance.now());
    session.unconfirmedEvents += events;
    const end = () => {
      if (session.unconfirmed.delete(ticket)) session.unconfirmedEvents -= events;
    };
    try {
      session.channel.publish(exchange, routingKey, content, options, (error: unknown) => {
        end();
        // The broker returns a message before it confirms it.
        const returned = session.returned.size > 0 && takeReturned(session, exchange, routingKey, options.messageId);
        if (returned) onOutcome('returned');
        else if (error) onOutcome(session.endsOverMessage ? 'refused' : 'unreachable');
        else onOutcome('confirmed');
      });
    } catch (error) {
      end();
      // Otherwise it is no message that can be written down, and would not be with the next channel either.
      onOutcome(error instanceof IllegalOperationError ? 'unreachable' : 'refused');
    }
  }

  /** A message with more events than may ever be on their way travels alone. */
  #hasRoom({ unconfirmedEvents }: Session, events: number): boolean {
    return unconfirmedEvents === 0 || unconfirmedEvents + events <= this.#options.maxUnconfirmed;
  }
}

/** Whether a channel was closed because of a message that was published on it; which one, the broker does not say. */
function isAboutMessage(error: Error): boolean {
  const { code, classId, methodId } = error as { code?: number; classId?: number; methodId?: number };
  const isOfPublish = classId === basicPublish.classId && methodId === basicPublish.methodId;
  return isOfPublish && refusalsOfAMessage.includes(code ?? 0);
}

function takeReturned({ returned }: Session, exchange: string, routingKey: string, messageId: string): boolean {
  const key = returnKey(messageId, exchange, routingKey);
  const count = returned.get(key) ?? 0;
  if (count > 1) returned.set(key, count - 1);
  else returned.delete(key);
  return count > 0;
}
