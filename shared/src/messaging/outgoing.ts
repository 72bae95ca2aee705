import { newId } from '../ids.ts';
import type { EventType, NewEvent } from '@flash-sale/contract/events/schemas.ts';
import { subscribersOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { OutboxRecord } from './transport.ts';

/** Who carries on what follows from an item: this process, or the sender, to whom the records are handed. */
export interface Origin {
  deliver: boolean;
  records: OutboxRecord[];
}

/** The events that one transaction brings about, laid into outbox records. */
export class Outgoing {
  readonly records: OutboxRecord[] = [];
  readonly #service: ServiceName;
  readonly #local: Origin;
  readonly #prepared: Partial<Record<EventType, unknown>>;
  readonly #originOf = new Map<OutboxRecord, Origin>();
  readonly #shared = new Map<Origin, OutboxRecord>();

  /** @param prepared the events for which this service must ask somebody first, as in UnitOfWork */
  constructor(service: ServiceName, local: Origin, prepared: Partial<Record<EventType, unknown>>) {
    this.#service = service;
    this.#local = local;
    this.#prepared = prepared;
  }

  /**
   * Events of one origin share a record. Except: what concerns this service alone is carried on by itself, whoever
   * brought what it follows from; and what must be prepared has a record to itself, so that one that takes long or
   * fails does not make its neighbours' preparations come again.
   */
  add(event: NewEvent, from: Origin, now: Date): void {
    const isOwn = subscribersOf(event.type).every((subscriber) => subscriber === this.#service);
    const origin = isOwn ? this.#local : from;
    const record = isOwn && event.type in this.#prepared ? this.#newRecord(origin) : this.#sharedRecord(origin);
    record.events.push({ ...event, id: newId(), version: 1, occurredAt: now.toISOString() });
  }

  /** Whether somebody else is to carry it on. */
  isHandedOver(record: OutboxRecord): boolean {
    return !this.#originOf.get(record)!.deliver;
  }

  /** To be called after the commit: hands the others' records to their origins. @returns those to deliver from here */
  handOver(): OutboxRecord[] {
    return this.records.filter((record) => {
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
