import { subscribersOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { shipmentsOf, type BatchOptions, type Shipment } from './amqp-batches.ts';
import type { AmqpPublisher, Outcome } from './amqp-publisher.ts';
import type { OpenSpan } from '../tracing/span.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { originsOf } from './event-context.ts';
import { Receivers } from './receivers.ts';
import type { Intake, NotDelivered, OutboxRecord } from './transport.ts';

/**
 * When an event is published again whose confirm never came, though its connection still stands. Long, for what is only
 * slow must not be made two, and two of each of those.
 */
const publishAgainAfterMs = 60_000;

export interface RecordPublisherOptions {
  publisher: Pick<AmqpPublisher, 'publish'>;
  /** Hears what became of each record. */
  intake: Pick<Intake, 'acknowledge' | 'notDelivered'>;
  batches: BatchOptions;
  /** Longest that a delivery waits for the broker's confirms. */
  confirmTimeoutMs: number;
  /** Hears of everything that the broker has on disk. */
  onConfirmed: (shipment: Shipment) => void;
  tracing?: Tracing | undefined;
}

/** Publishes outbox records. One is acknowledged when the broker has all its events on disk, for everybody who handles them. */
export class RecordPublisher {
  readonly #options: RecordPublisherOptions;
  /** For which services the broker has not got which event of a record, so that the next try is about those. */
  readonly #missing = new WeakMap<OutboxRecord, Map<string, ServiceName[]>>();
  readonly #receivers = new Receivers();

  constructor(options: RecordPublisherOptions) {
    this.#options = options;
  }

  /** Publishes everything in this turn; resolves with the last confirm or, without it, after the timeout. */
  publish(records: OutboxRecord[]): Promise<void> {
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
    if (failure) this.#options.intake.notDelivered(record, failure);
    else this.#options.intake.acknowledge([record.id]);
  }

  #publishRecord(
    record: OutboxRecord,
    nowS: number,
    onRecord: (record: OutboxRecord, failure: NotDelivered | undefined) => void,
  ): void {
    const { publisher, batches } = this.#options;
    const missing = this.#missing.get(record);
    const shipments = shipmentsOf(
      record.events,
      ({ id, type }) => (missing ? (missing.get(id) ?? []) : subscribersOf(type)),
      batches,
      nowS,
    );
    const failed: { shipment: Shipment; failure: NotDelivered }[] = [];
    let open = shipments.length;
    if (open === 0) onRecord(record, undefined);
    for (const shipment of shipments) {
      const span = this.#beginSpan(shipment);
      publisher.publish(shipment.publication, (outcome) => {
        span?.end(outcome === 'confirmed' ? {} : { failure: outcome });
        const failure = this.#failureOf(shipment, outcome);
        if (failure) failed.push({ shipment, failure });
        open -= 1;
        if (open > 0) return;
        if (failed.length > 0) this.#missing.set(record, missingOf(failed.map((one) => one.shipment)));
        const failures = failed.map((one) => one.failure);
        onRecord(record, failures.includes('unreachable') ? 'unreachable' : failures[0]);
      });
    }
  }

  /** From here until the broker has it on disk. */
  #beginSpan({ events, services }: Shipment): OpenSpan | undefined {
    const span = this.#options.tracing?.beginForMany(
      `publish to ${services.join(', ')}`,
      'producer',
      originsOf(events),
    );
    if (span)
      Object.assign(span.attributes, {
        'messaging.system': 'rabbitmq',
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
        'messaging.batch.message_count': events.length,
      });
    return span;
  }

  #failureOf(shipment: Shipment, outcome: Outcome): 'unreachable' | 'transient' | undefined {
    const { events, services } = shipment;
    if (outcome === 'unreachable') return outcome;
    // Those that travelled with it must not be sent together with it again as soon as the broker is back.
    if (outcome === 'refused') return 'transient';
    if (outcome === 'returned') {
      // A queue that is gone returns all that is for its service, and that is an outage.
      const judged = services.flatMap((service) =>
        events.map((event) => this.#receivers.failed(service, event, 'unreachable')),
      );
      return judged.includes('unreachable') ? 'unreachable' : 'transient';
    }
    // Where several have a queue, one of them may be gone.
    if (services.length === 1) this.#receivers.handled(services[0]!, events.length);
    this.#options.onConfirmed(shipment);
    return undefined;
  }
}

/** For which services events are to be sent again. */
function missingOf(shipments: Shipment[]): Map<string, ServiceName[]> {
  const missing = new Map<string, ServiceName[]>();
  for (const { events, services } of shipments)
    for (const { id } of events) missing.set(id, [...(missing.get(id) ?? []), ...services]);
  return missing;
}
