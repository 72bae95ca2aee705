import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { AckWindow } from './ack-window.ts';
import { assertTopology } from './amqp-topology.ts';

interface Session {
  channel: Channel;
  consumerTag: string | undefined;
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

/** Takes messages from a queue and acknowledges those that are settled, once a turn. */
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
    const session: Session = { channel, consumerTag: undefined, acks: new AckWindow(), flushing: false };
    channel.on('error', lose);
    channel.on('close', () => {
      if (this.#session === session) this.#session = undefined;
      if (!this.#stopping) lose(new Error('channel closed'));
    });
    await assertTopology(channel);
    await channel.prefetch(prefetch);
    if (this.#stopping) return;
    this.#session = session;
    const onMessage = (message: ConsumeMessage | null) => {
      if (message) void this.#take(session, message);
      else lose(new Error(`the queue ${queue} was deleted`));
    };
    session.consumerTag = (await channel.consume(queue, onMessage)).consumerTag;
  }

  /** Takes no more, and waits until what is under way is settled and acknowledged, at most `withinMs`. Never rejects. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true;
    const session = this.#session;
    if (!session) return;
    const inTime = sleep(withinMs, undefined, { ref: false });
    const { channel, consumerTag } = session;
    if (consumerTag !== undefined) await Promise.race([channel.cancel(consumerTag).catch(() => {}), inTime]);
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
