import type { ConsumeMessage } from 'amqplib';
import type { Logger } from '../log.ts';
import { subscriptions } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { AmqpConnection, type AmqpConnectionOptions } from './amqp-connection.ts';
import { AmqpConsumer } from './amqp-consumer.ts';
import { MessageHandler, type DeadLetterCause } from './amqp-handler.ts';
import { AmqpPublisher } from './amqp-publisher.ts';
import { ServiceQueues } from './amqp-service-queues.ts';
import { batchesExchange, batchQueueOf, deadQueueOf } from './amqp-topology.ts';
import { RecordPublisher } from './record-publisher.ts';
import type { Intake, OutboxRecord, Transport } from './transport.ts';

/** Longest that handlings under way may take when the transport stops. */
const settleWithinMs = 5_000;
/** A batch has so many events at least under load: as many fewer batches are fetched ahead than events are handled at once. */
const eventsPerBatch = 4;

export interface AmqpTransportOptions {
  url: string;
  /** Tells the instances of one service apart in the broker's list of connections. */
  instance: string;
  log: Logger;
  /** Most events of this process that are being handled at once. */
  prefetch: number;
  /** Most events whose confirm has not come; what is more stays in the outbox. */
  maxUnconfirmed: number;
  /** Most events in a batch; with 0 each travels by itself, as in the release before. */
  maxBatchEvents: number;
  maxBatchBytes: number;
  /** Longest that a delivery waits for the broker's confirms. */
  confirmTimeoutMs: number;
  /** How often an event may fail for now before each further time is an error in the log. */
  retriesBeforeError: number;
  /** How long an event is tried again here while its service handles nothing, before it waits at the broker. */
  holdMs: number;
  tracing?: Tracing | undefined;
}

/**
 * Events by way of RabbitMQ. A record is acknowledged when the broker has all its events on disk; from there on they are
 * the broker's to bring, as often as it takes. The events of a record that go to one service travel in one message, for a
 * message costs the broker and both sides more than what is in it. Two connections: a broker short of memory stops reading from
 * those that publish, and must go on reading acknowledgements to get rid of what it has.
 */
export class AmqpTransport implements Transport {
  readonly #options: AmqpTransportOptions;
  readonly #publisher: AmqpPublisher;
  readonly #queues: ServiceQueues;
  #records: RecordPublisher | undefined;
  readonly #connections: AmqpConnection[] = [];
  /** Of batches first, so that hardly any look at the queues finds it taking single events alone. */
  #consumers: AmqpConsumer[] = [];
  #handler: MessageHandler | undefined;
  #intake: Intake | undefined;
  #delivering = new Set<Promise<void>>();
  #connected: boolean | undefined;
  #stopped = false;

  constructor(options: AmqpTransportOptions) {
    this.#options = options;
    const { maxUnconfirmed } = options;
    this.#publisher = new AmqpPublisher({ maxUnconfirmed, onUnblocked: () => this.#intake?.reachableAgain() });
    this.#queues = new ServiceQueues(this.#publisher);
  }

  /** Resolves when the broker has been reached or has turned out to be away; then it is tried again for ever. */
  async start(intake: Intake): Promise<void> {
    const { prefetch, log, retriesBeforeError, holdMs, confirmTimeoutMs, tracing } = this.#options;
    const { maxBatchEvents: maxEvents, maxBatchBytes: maxBytes } = this.#options;
    const { service } = intake;
    this.#intake = intake;
    this.#records = new RecordPublisher({
      publisher: this.#publisher,
      intake,
      batches: { maxEvents, maxBytes, takesBatches: (receiver) => this.#queues.takesBatches(receiver) },
      confirmTimeoutMs,
      tracing,
      onConfirmed: ({ publication, events, services }) => {
        if (publication.exchange === batchesExchange) this.#queues.noteBatch(services[0]!, events.length);
      },
    });
    this.#connections.push(this.#connection('publish', (model, lose) => this.#publisher.setUp(model, lose)));
    if (subscriptions[service].length > 0) {
      const handler = new MessageHandler({
        intake,
        publisher: this.#publisher,
        log,
        maxEvents: prefetch,
        retriesBeforeError,
        holdMs,
        onBatch: (events) => this.#queues.noteBatch(service, events),
      });
      const handle = (message: ConsumeMessage, isWanted: () => boolean) => handler.handle(message, isWanted);
      this.#handler = handler;
      this.#consumers = [
        new AmqpConsumer({ queue: batchQueueOf(service), prefetch: Math.ceil(prefetch / eventsPerBatch), handle }),
        new AmqpConsumer({ queue: service, prefetch, handle }),
      ];
      this.#connections.push(
        this.#connection('consume', async (model, lose) => {
          for (const consumer of this.#consumers) await consumer.setUp(model, lose);
        }),
      );
    }
    // One after the other: what is taken first may have to be passed on.
    for (const connection of this.#connections) await connection.open();
  }

  deliver(records: OutboxRecord[]): Promise<void> {
    this.#queues.lookIfDue();
    const delivery = this.#records!.publish(records).finally(() => this.#delivering.delete(delivery));
    this.#delivering.add(delivery);
    return delivery;
  }

  healthy(): boolean {
    return this.#publisher.ready && this.#consumers.every(({ ready }) => ready);
  }

  oldestUnconfirmedMs(): number | undefined {
    return this.#publisher.oldestUnconfirmedMs();
  }

  backlog(): Promise<Partial<Record<ServiceName, number>>> {
    return this.#queues.backlog();
  }

  async deadLettersLeft(): Promise<number | undefined> {
    if (this.#consumers.length === 0) return undefined;
    const queue = deadQueueOf(this.#intake!.service);
    return (await this.#publisher.statesOf([queue]))[queue]?.messages;
  }

  deadLetters(): Readonly<Record<DeadLetterCause, number>> {
    return this.#handler?.deadLetters ?? { unreadable: 0, unhandleable: 0 };
  }

  async stopReceiving(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop(settleWithinMs)));
  }

  async stop(): Promise<void> {
    await this.stopReceiving();
    while (this.#delivering.size > 0) await Promise.all(this.#delivering);
    this.#stopped = true;
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #connection(purpose: string, setUp: AmqpConnectionOptions['setUp']): AmqpConnection {
    const { url, instance } = this.#options;
    return new AmqpConnection({
      url,
      name: `${this.#intake!.service}/${instance} ${purpose}`,
      setUp,
      onUp: () => {
        this.#note(undefined);
        if (this.#publisher.ready) this.#queues.look().catch(() => {}); // then the connection is lost, and says so itself
        if (this.#publisher.ready) this.#intake!.reachableAgain();
      },
      onDown: (error) => this.#note(error),
    });
  }

  /** Says once when the broker is away, and once when it is back. */
  #note(error: Error | undefined): void {
    const { log } = this.#options;
    if (this.#stopped) return;
    if (error) {
      if (this.#connected !== false) log.warn({ reason: error.message }, 'RabbitMQ is away');
      this.#connected = false;
    } else if (this.healthy()) {
      if (this.#connected === false) log.info('RabbitMQ is back');
      this.#connected = true;
    }
  }
}
