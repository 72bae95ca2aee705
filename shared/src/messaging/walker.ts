import type { Logger } from '../log.ts';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import { subscribersOf } from '@flash-sale/contract/events/subscriptions.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { reasonOf } from '../reason-of.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { Batcher } from './batcher.ts';
import { inContextOf, originsOf } from './event-context.ts';
import { copyOf } from './event-copy.ts';
import { Receivers } from './receivers.ts';
import {
  BadAnswer,
  type Failure,
  type Intake,
  type NotDelivered,
  type OutboxRecord,
  type Receipt,
  type Transport,
} from './transport.ts';

/** Most events that one hop brings to a service at once. */
export const maxHopEvents = 256;

/** How a walker reaches the other services. */
export interface Hop {
  /** Lets other services reach this one. */
  open(intake: Intake): void;
  /**
   * Brings events to another service, which commits and leaves to us what follows.
   * @throws BadAnswer when the service was reached, and what it answered is no answer: one of the events may be at fault;
   *   anything else when it cannot be reached, or handles nothing at all now. The events may have been handled
   */
  bring(service: ServiceName, events: DomainEvent[]): Promise<Receipt>;
  /** Tells the owner of a record that all its events are handled. Not waited for; one that gets lost costs a redelivery. */
  acknowledge(record: OutboxRecord): void;
  /** Finishes what is under way. To be called when no walk is. */
  close(): Promise<void>;
}

/** What became of one event at one service. `followed` ends with the chain that it brought about, and is not waited for. */
interface Sent {
  failure: NotDelivered | undefined;
  followed: Promise<void>;
}

const nothingFollows = Promise.resolve();
type Ended = 'handled' | 'poison';
const keyOf = ({ event, service }: { event: DomainEvent; service: ServiceName }) => `${event.id} ${service}`;

export interface WalkerOptions {
  hop: Hop;
  log: Logger;
  /** Most events that wait for the way to one service. */
  maxQueued: number;
  /** Longest rest after a hop of several events, as in Batcher. */
  maxRestMs?: number;
  /** What is being walked, of all walkers between whose services nothing lies: none of them is gone while another walks. */
  walks?: Set<Promise<void>>;
  tracing?: Tracing | undefined;
}

/**
 * Walks a chain of events hop by hop. Each batch is brought to the services that handle it; they commit and answer with
 * the events that follow, and this service carries those on: nobody waits for another while holding a transaction.
 * Events for the walker's own service need no hop.
 */
export class Walker implements Transport {
  readonly #options: WalkerOptions;
  readonly #ways = new Map<ServiceName, Batcher<DomainEvent, Sent>>();
  #intake: Intake | undefined;
  readonly #walks: Set<Promise<void>>;
  /** Of records that must be tried again: what has come to its end, so that the next try is about the rest. */
  readonly #tried = new WeakMap<OutboxRecord, Map<string, Ended>>();
  readonly #unreachable = new Set<ServiceName>();
  readonly #receivers = new Receivers();

  constructor(options: WalkerOptions) {
    this.#options = options;
    this.#walks = options.walks ?? new Set();
    const { maxQueued, maxRestMs } = options;
    for (const service of serviceNames) {
      this.#ways.set(
        service,
        new Batcher({
          flush: (events) => this.#bring(service, events),
          maxItems: maxHopEvents,
          maxQueued,
          ...(maxRestMs === undefined ? {} : { maxRestMs }),
          shouldSplit: (error) => error instanceof BadAnswer,
        }),
      );
    }
  }

  start(intake: Intake): Promise<void> {
    this.#intake = intake;
    this.#options.hop.open(intake);
    return Promise.resolve();
  }

  deliver(records: OutboxRecord[]): Promise<void> {
    const walk = this.#walk(records).finally(() => this.#walks.delete(walk));
    this.#walks.add(walk);
    return walk;
  }

  healthy(): boolean {
    return true;
  }

  async stop(): Promise<void> {
    while (this.#walks.size > 0) await Promise.all(this.#walks);
    await this.#options.hop.close();
  }

  async #walk(records: OutboxRecord[]): Promise<void> {
    await Promise.all(records.map((record) => this.#walkRecord(record)));
  }

  async #walkRecord(record: OutboxRecord): Promise<void> {
    const before = this.#tried.get(record);
    const hops = record.events
      .flatMap((event) => subscribersOf(event.type).map((service) => ({ event, service })))
      .filter((hop) => !before?.has(keyOf(hop)));
    const outcomes = await Promise.all(hops.map(({ event, service }) => this.#send(service, event)));
    // What follows stands in outboxes of its own, so the record need not wait for it.
    if (before === undefined && outcomes.every(({ failure }) => failure === undefined)) this.#acknowledge(record);
    else {
      const ended = before ?? new Map<string, Ended>();
      const open = new Set<NotDelivered>();
      hops.forEach((hop, n) => {
        const failure = outcomes[n]!.failure ?? 'handled';
        if (failure === 'handled' || failure === 'poison') ended.set(keyOf(hop), failure);
        else open.add(this.#receivers.failed(hop.service, hop.event, failure));
      });
      this.#tried.set(record, ended);
      const failure =
        (['unreachable', 'transient'] as const).find((kind) => open.has(kind)) ??
        ([...ended.values()].includes('poison') ? 'poison' : undefined);
      if (failure) this.#intake!.notDelivered(record, failure);
      else this.#acknowledge(record);
    }
    await Promise.all(outcomes.map(({ followed }) => followed));
  }

  async #send(service: ServiceName, event: DomainEvent): Promise<Sent> {
    if (service === this.#intake!.service) {
      // A copy, as everybody gets: others are brought the same event, and it may have to be tried again as it was.
      const { failures, delivered } = await this.#intake!.receive([inContextOf(event, copyOf(event))], 'deliver');
      if (failures.length === 0) this.#receivers.handled(service);
      return { failure: failures[0]?.kind, followed: delivered };
    }
    try {
      return await this.#ways.get(service)!.run(event);
    } catch (error) {
      this.#options.log.warn(
        { to: service, eventType: event.type, eventId: event.id, reason: String(error).slice(0, 300) },
        'not delivered now',
      );
      // What answered may be no service at all; that it is the event, others tell.
      return { failure: 'unreachable', followed: nothingFollows };
    }
  }

  async #bring(service: ServiceName, events: DomainEvent[]): Promise<Sent[]> {
    const span = this.#options.tracing?.beginForMany(`bring to ${service}`, 'client', originsOf(events));
    if (span) span.attributes['messaging.batch.message_count'] = events.length;
    try {
      const { failures, records } = await this.#options.hop.bring(service, events);
      span?.end();
      if (this.#unreachable.delete(service)) this.#intake!.reachableAgain();
      const failed = new Map(failures.map(({ eventId, kind }) => [eventId, kind]));
      this.#receivers.handled(service, events.filter(({ id }) => !failed.has(id)).length);
      const followed = records.length > 0 ? this.deliver(records) : nothingFollows;
      return events.map(({ id }) => ({ failure: failed.get(id), followed }));
    } catch (error) {
      span?.end({ failure: reasonOf(error) });
      if (!(error instanceof BadAnswer)) this.#unreachable.add(service);
      throw error;
    }
  }

  #acknowledge(record: OutboxRecord): void {
    if (record.owner === this.#intake!.service) this.#intake!.acknowledge([record.id]);
    else this.#options.hop.acknowledge(record);
  }
}

/** Whether a service that was brought events handles nothing at all now: it counts as one that is not reached. */
export const handlesNothing = (events: DomainEvent[], failures: Failure[]): boolean =>
  events.length > 0 && failures.filter(({ kind }) => kind === 'unreachable').length === events.length;
