import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { AckWindow } from './ack-window.ts';
import { isSuspect } from './amqp-messages.ts';
import { checkTopology } from './amqp-topology.ts';

/** The subscriptions of a channel: the first takes one message at a time, the second as many as it may. */
const oneByOne = 'one-by-one';
const many = 'many';

interface Session {
  channel: Channel;
  subscription: typeof oneByOne | typeof many;
  acks: AckWindow;
  flushing: boolean;
}

export interface AmqpConsumerOptions {
  queue: string;
  /** Most messages that are under way at once. */
  prefetch: number;
  /**
   * Sees to a message; must not reject. It is acknowledged when this resolves to true; otherwise it comes again when the
   * connection has ended. @param isWanted whether that would still be of use
   */
  handle: (message: ConsumeMessage, isWanted: () => boolean) => Promise<boolean>;
}

/**
 * Takes messages from a queue and acknowledges those that are settled, once a turn. The broker counts a lost connection
 * against every message that was under way on it and puts aside what was lost too often, so that an event that kills its
 * process would take along all that was fetched with it. Therefore a new connection begins with one message at a time,
 * and goes on so while they are such as have come back repeatedly: then who dies, dies over one.
 */
export class AmqpConsumer {
  readonly #options: AmqpConsumerOptions;
  #session: Session | undefined;
  #running = 0;
  #stopping = false;

  constructor(options: AmqpConsumerOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#session !== undefined;
  }

  /** Consumes on a new connection. What is under way from an older one comes again here. */
  async setUp(model: ChannelModel, lose: (error: Error) => void): Promise<void> {
    const { queue, prefetch } = this.#options;
    const channel = await model.createChannel();
    const session: Session = { channel, subscription: oneByOne, acks: new AckWindow(), flushing: false };
    channel.on('error', lose);
    channel.on('close', () => {
      if (this.#session === session) this.#session = undefined;
      if (!this.#stopping) lose(new Error('channel closed'));
    });
    await checkTopology(channel);
    await channel.prefetch(1);
    if (this.#stopping) return;
    this.#session = session;
    const onMessage = (message: ConsumeMessage | null) => {
      if (!message) return lose(new Error(`the broker has ended the subscription to ${queue}`));
      if (session.subscription === oneByOne && !isSuspect(message) && !this.#stopping) takeMany();
      void this.#take(session, message);
    };
    const takeMany = () => {
      session.subscription = many;
      // In this order on the channel, so that a stop from now on cancels the new subscription after it has begun.
      const changes = [
        channel.prefetch(prefetch),
        channel.consume(queue, onMessage, { consumerTag: many }),
        channel.cancel(oneByOne),
      ];
      Promise.all(changes).catch(() => {}); // then the channel is lost, and says so itself
    };
    await channel.consume(queue, onMessage, { consumerTag: oneByOne });
  }

  /** Takes no more, and waits until what is under way is settled and acknowledged, at most `withinMs`. Never rejects. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true;
    const session = this.#session;
    if (!session) return;
    const inTime = sleep(withinMs, undefined, { ref: false });
    const { channel, subscription } = session;
    await Promise.race([channel.cancel(subscription).catch(() => {}), inTime]);
    let late = false;
    void inTime.then(() => (late = true));
    while (this.#running > 0 && !late && this.#session === session) await sleep(5);
    this.#flush(session);
    // The connection's goodbye would overtake the acknowledgements; the channel's does not.
    await Promise.race([channel.close().catch(() => {}), inTime]);
  }

  async #take(session: Session, message: ConsumeMessage): Promise<void> {
    this.#running += 1;
    const settled = await this.#options.handle(message, () => this.#session === session && !this.#stopping);
    this.#running -= 1;
    // A tag means nothing on another channel.
    if (!settled || this.#session !== session) return;
    session.acks.settle(message.fields.deliveryTag);
    if (session.flushing) return;
    session.flushing = true;
    setImmediate(() => this.#flush(session));
  }

  #flush(session: Session): void {
    session.flushing = false;
    if (this.#session !== session) return;
    const { upTo, single } = session.acks.take();
    try {
      if (upTo !== undefined) session.channel.ack(withTag(upTo), true);
      for (const tag of single) session.channel.ack(withTag(tag));
    } catch {
      // The channel is closing: what was not acknowledged comes again, and the inbox knows it.
    }
  }
}

/** amqplib asks for the message and looks at its tag only. */
const withTag = (deliveryTag: number) => ({ fields: { deliveryTag } }) as ConsumeMessage;
