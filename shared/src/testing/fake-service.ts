import { newId } from '../ids.ts';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { Failure, FollowUps, Intake, NotDelivered, OutboxRecord, Transport } from '../messaging/transport.ts';

/** Stands in for a service behind a transport: records what it is brought and answers as it is told. */
export class FakeService implements Intake {
  readonly service: ServiceName;
  /** Set by the network that the service is part of. */
  transport: Transport | undefined;
  /** What each call of receive brought, in order of arrival. */
  readonly batches: DomainEvent[][] = [];
  readonly acknowledged: string[] = [];
  /** Records that the transport could not deliver, with why, each time anew. */
  readonly undelivered: { record: OutboxRecord; kind: NotDelivered }[] = [];
  /** How often something became reachable that was not. */
  reachable = 0;
  /** What follows from an event; nothing unless told. */
  followUps: (event: DomainEvent) => DomainEvent[] = () => [];
  /** Whether an event fails, and how; none does unless told. */
  failureOf: (event: DomainEvent) => Failure['kind'] | undefined = () => undefined;
  /** While it is pending, no receive ends. */
  barrier: Promise<void> = Promise.resolve();

  constructor(service: ServiceName) {
    this.service = service;
  }

  get received(): DomainEvent[] {
    return this.batches.flat();
  }

  /** What was received, each event once, as an inbox leaves it: any may be brought again. */
  get handled(): DomainEvent[] {
    return [...new Map(this.received.map((event) => [event.id, event])).values()];
  }

  async receive(events: DomainEvent[], followUps: FollowUps) {
    this.batches.push(events);
    await this.barrier;
    const failures: Failure[] = [];
    const follow: DomainEvent[] = [];
    for (const event of events) {
      const kind = this.failureOf(event);
      if (kind) failures.push({ eventId: event.id, kind, reason: `told to fail: ${kind}` });
      else follow.push(...this.followUps(event));
    }
    const records = follow.length > 0 ? [this.record(...follow)] : [];
    if (followUps === 'return') return { failures, records, delivered: Promise.resolve() };
    const delivered = records.length > 0 ? this.transport!.deliver(records) : Promise.resolve();
    return { failures, records: [], delivered };
  }

  acknowledge(recordIds: string[]): void {
    this.acknowledged.push(...recordIds);
  }

  notDelivered(record: OutboxRecord, kind: NotDelivered): void {
    this.undelivered.push({ record, kind });
  }

  reachableAgain(): void {
    this.reachable += 1;
  }

  /** An outbox record of this service. */
  record(...events: DomainEvent[]): OutboxRecord {
    return { id: newId(), owner: this.service, events };
  }
}
