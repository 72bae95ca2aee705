import { newId } from '../ids.ts';
import type { EventType, NewEvent } from '@flash-sale/contract/events/schemas.ts';
import { subscribersOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { inContext, waitFromNow, type EventContext } from './event-context.ts';
import type { OutboxRecord } from './transport.ts';

/** Who delivers the follow-ups of an item: this process, or the sender, to whom the records are returned. */
export interface Origin {
  deliver: boolean;
  records: OutboxRecord[];
}

/** The events of one transaction, grouped into outbox records. */
export class Outgoing {
  readonly records: OutboxRecord[] = [];
  readonly #service: ServiceName;
  readonly #local: Origin;
  readonly #prepared: Partial<Record<EventType, unknown>>;
  readonly #originOf = new Map<OutboxRecord, Origin>();
  readonly #shared = new Map<Origin, OutboxRecord>();

  /** @param prepared the events that this service must prepare, as in UnitOfWork */
  constructor(service: ServiceName, local: Origin, prepared: Partial<Record<EventType, unknown>>) {
    this.#service = service;
    this.#local = local;
    this.#prepared = prepared;
  }

  /**
   * Events of one origin share a record, with two exceptions. Events that only this service handles are delivered by itself,
   * whatever their origin. And an event that must be prepared has a record of its own, so that a slow or failing one does not repeat
   * the preparation of others.
   * @param context of what brought it about
   */
  add(event: NewEvent, from: Origin, now: Date, context?: EventContext): void {
    const isOwn = subscribersOf(event.type).every((subscriber) => subscriber === this.#service);
    const origin = isOwn ? this.#local : from;
    const record = isOwn && event.type in this.#prepared ? this.#newRecord(origin) : this.#sharedRecord(origin);
    const complete = { ...event, id: newId(), version: 1, occurredAt: now.toISOString() } as const;
    // Each has its own, for each is sent at a time of its own.
    record.events.push(inContext(complete, context && { ...context, since: undefined }));
  }

  /** Whether the sender is to deliver it. */
  isHandedOver(record: OutboxRecord): boolean {
    return !this.#originOf.get(record)!.deliver;
  }

  /** To be called after the commit: returns the senders' records to their origins. @returns those to deliver from here */
  handOver(): OutboxRecord[] {
    return this.records.filter((record) => {
      waitFromNow(record.events);
      const { deliver, records } = this.#originOf.get(record)!;
      if (!deliver) records.push(record);
      return deliver;
    });
  }

  #sharedRecord(origin: Origin): OutboxRecord {
    const record = this.#shared.get(origin) ?? this.#newRecord(origin);
    this.#shared.set(origin, record);
    return record;
  }

  #newRecord(origin: Origin): OutboxRecord {
    const record: OutboxRecord = { id: newId(), owner: this.#service, events: [] };
    this.records.push(record);
    this.#originOf.set(record, origin);
    return record;
  }
}
