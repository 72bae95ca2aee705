import type { ConsumeMessage } from 'amqplib';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { Logger } from '../log.ts';
import { subscribersOf, subscriptions } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { AmqpConnection } from './amqp-connection.ts';
import { AmqpConsumer } from './amqp-consumer.ts';
import { MessageHandler, type DeadLetterCause } from './amqp-handler.ts';
import { eventPublication } from './amqp-messages.ts';
import { AmqpPublisher, type Outcome } from './amqp-publisher.ts';
import { deadQueueOf, subscribingServices } from './amqp-topology.ts';
import { Receivers } from './receivers.ts';
import type { Intake, NotDelivered, OutboxRecord, Transport } from './transport.ts';

/** Longest that handlings under way may take when the transport stops. */
const settleWithinMs = 5_000;
/**
 * When an event is published again whose confirm never came, though its connection still stands. Long, for what is only
 * slow must not be made two, and two of each of those.
 */
const publishAgainAfterMs = 60_000;

export interface AmqpTransportOptions {
  url: string;
  /** Tells the instances of one service apart in the broker's list of connections. */
  instance: string;
  log: Logger;
  /** Most messages of this process that are being handled at once. */
  prefetch: number;
  /** Most messages whose confirm has not come; what is more stays in the outbox. */
  maxUnconfirmed: number;
  /** Longest that a delivery waits for the broker's confirms. */
  confirmTimeoutMs: number;
  /** How often an event may fail for now before each further time is an error in the log. */
  retriesBeforeError: number;
  /** How long an event is tried again here while its service handles nothing, before it waits at the broker. */
  holdMs: number;
}

/**
 * Events by way of RabbitMQ. A record is acknowledged when the broker has all its events on disk; from there on they are
 * the broker's to bring, as often as it takes. Two connections: a broker short of memory stops reading from those that
 * publish, and must go on reading acknowledgements to get rid of what it has.
 */
export class AmqpTransport implements Transport {
  readonly #options: AmqpTransportOptions;
  readonly #publisher: AmqpPublisher;
  readonly #connections: AmqpConnection[] = [];
  #consumer: AmqpConsumer | undefined;
  #handler: MessageHandler | undefined;
  #intake: Intake | undefined;
  #delivering = new Set<Promise<void>>();
  /** The events of a record that the broker has not got, so that the next try is about those. */
  readonly #failed = new WeakMap<OutboxRecord, Map<string, NotDelivered>>();
  readonly #receivers = new Receivers();
  #connected: boolean | undefined;
  #stopped = false;

  constructor(options: AmqpTransportOptions) {
    this.#options = options;
    const { maxUnconfirmed } = options;
    this.#publisher = new AmqpPublisher({ maxUnconfirmed, onUnblocked: () => this.#intake?.reachableAgain() });
  }

  /** Resolves when the broker has been reached or has turned out to be away; then it is tried again for ever. */
  async start(intake: Intake): Promise<void> {
    const { prefetch, log, retriesBeforeError, holdMs } = this.#options;
    const { service } = intake;
    this.#intake = intake;
    this.#connections.push(this.#connection('publish', this.#publisher));
    if (subscriptions[service].length > 0) {
      const handler = new MessageHandler({ intake, publisher: this.#publisher, log, retriesBeforeError, holdMs });
      const handle = (message: ConsumeMessage, isWanted: () => boolean) => handler.handle(message, isWanted);
      this.#handler = handler;
      this.#consumer = new AmqpConsumer({ queue: service, prefetch, handle });
      this.#connections.push(this.#connection('consume', this.#consumer));
    }
    // One after the other: what is taken first may have to be passed on.
    for (const connection of this.#connections) await connection.open();
  }

  deliver(records: OutboxRecord[]): Promise<void> {
    const delivery = this.#publish(records).finally(() => this.#delivering.delete(delivery));
    this.#delivering.add(delivery);
    return delivery;
  }

  healthy(): boolean {
    return this.#publisher.ready && (this.#consumer?.ready ?? true);
  }

  oldestUnconfirmedMs(): number | undefined {
    return this.#publisher.oldestUnconfirmedMs();
  }

  backlog(): Promise<Partial<Record<ServiceName, number>>> {
    return this.#publisher.depthsOf(subscribingServices);
  }

  async deadLettersLeft(): Promise<number | undefined> {
    if (!this.#consumer) return undefined;
    const queue = deadQueueOf(this.#intake!.service);
    return (await this.#publisher.depthsOf([queue]))[queue];
  }

  deadLetters(): Readonly<Record<DeadLetterCause, number>> {
    return this.#handler?.deadLetters ?? { unreadable: 0, unhandleable: 0 };
  }

  async stopReceiving(): Promise<void> {
    await this.#consumer?.stop(settleWithinMs);
  }

  async stop(): Promise<void> {
    await this.stopReceiving();
    while (this.#delivering.size > 0) await Promise.all(this.#delivering);
    this.#stopped = true;
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  /** Publishes everything in this turn; resolves with the last confirm or, without it, after the timeout. */
  #publish(records: OutboxRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const { confirmTimeoutMs } = this.#options;
      const open = new Set(records);
      let timer = setTimeout(() => {
        resolve();
        const silentMs = Math.max(0, publishAgainAfterMs - confirmTimeoutMs);
        timer = setTimeout(() => open.forEach((record) => this.#tell(record, 'unreachable')), silentMs).unref();
      }, confirmTimeoutMs);
      const nowS = Math.floor(Date.now() / 1_000);
      const onRecord = (record: OutboxRecord, failure: NotDelivered | undefined) => {
        // Also when the timeout is over: late is not never.
        this.#tell(record, failure);
        open.delete(record);
        if (open.size > 0) return;
        clearTimeout(timer);
        resolve();
      };
      for (const record of records) this.#publishRecord(record, nowS, onRecord);
    });
  }

  #tell(record: OutboxRecord, failure: NotDelivered | undefined): void {
    if (failure) this.#intake!.notDelivered(record, failure);
    else this.#intake!.acknowledge([record.id]);
  }

  #publishRecord(
    record: OutboxRecord,
    nowS: number,
    onRecord: (record: OutboxRecord, failure: NotDelivered | undefined) => void,
  ): void {
    const wanted = this.#failed.get(record);
    const events = record.events.filter(({ id, type }) => subscribersOf(type).length > 0 && (wanted?.has(id) ?? true));
    const failed = new Map<string, NotDelivered>();
    let open = events.length;
    if (open === 0) onRecord(record, undefined);
    for (const event of events) {
      this.#publisher.publish(eventPublication(event, nowS), (outcome) => {
        const failure = this.#failureOf(event, outcome);
        if (failure) failed.set(event.id, failure);
        open -= 1;
        if (open > 0) return;
        if (failed.size > 0) this.#failed.set(record, failed);
        const failures = [...failed.values()];
        onRecord(record, failures.includes('unreachable') ? 'unreachable' : failures[0]);
      });
    }
  }

  #failureOf(event: DomainEvent, outcome: Outcome): 'unreachable' | 'transient' | undefined {
    const services = subscribersOf(event.type);
    if (outcome === 'unreachable') return outcome;
    // Those that travelled with it must not be sent together with it again as soon as the broker is back.
    if (outcome === 'refused') return 'transient';
    if (outcome === 'returned') {
      // A queue that is gone returns all that is for its service, and that is an outage.
      const judged = services.map((service) => this.#receivers.failed(service, event, 'unreachable'));
      return judged.includes('unreachable') ? 'unreachable' : 'transient';
    }
    // Where several have a queue, one of them may be gone.
    if (services.length === 1) this.#receivers.handled(services[0]!);
    return undefined;
  }

  #connection(purpose: string, side: Pick<AmqpConsumer, 'setUp'>): AmqpConnection {
    const { url, instance } = this.#options;
    return new AmqpConnection({
      url,
      name: `${this.#intake!.service}/${instance} ${purpose}`,
      setUp: (model, lose) => side.setUp(model, lose),
      onUp: () => {
        this.#note(undefined);
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
