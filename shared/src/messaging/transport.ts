import { z } from 'zod';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';

/** One row of a service's outbox: events that one transaction brought about, kept until all of them are handled. */
export interface OutboxRecord {
  id: string;
  owner: ServiceName;
  events: DomainEvent[];
}

/**
 * `unreachable`: the service handles nothing at all now, such as without its database; `transient`: this event cannot be
 * handled now, and may be later; `poison`: it fails by itself, whenever it comes.
 */
export const failureSchema = z.strictObject({
  eventId: z.uuid(),
  kind: z.enum(['unreachable', 'transient', 'poison']),
  reason: z.string().max(500),
  /** Where it was thrown; only of what was not expected. */
  stack: z.string().max(4_000).optional(),
});
export type Failure = z.output<typeof failureSchema>;

/**
 * Why a record was not delivered, as in Failure: `unreachable` says nothing of the record, for as far as is known nobody
 * else's gets through either; the rest is about this one. See Receivers.
 */
export type NotDelivered = Failure['kind'];

/** A service was reached, and what it answered is none of the answers that it may give. */
export class BadAnswer extends Error {}

/** What became of events that a transport brought: those not named in `failures` are handled for good. */
export interface Receipt {
  failures: Failure[];
  /** Outbox records that came about, which the sender is to deliver; none with follow-ups `deliver`. */
  records: OutboxRecord[];
}

/** What a service does with the events that follow from those it handles: it delivers them, or returns them to the sender. */
export type FollowUps = 'deliver' | 'return';

/** The receiving side of a service, as a transport sees it. */
export interface Intake {
  readonly service: ServiceName;
  /**
   * Handles events exactly once in effect, however often they come. Never rejects.
   */
  receive(events: DomainEvent[], followUps: FollowUps): Promise<Receipt & { delivered: Promise<void> }>;
  /** Removes outbox records whose events are all handled. Unknown ids are ignored. */
  acknowledge(recordIds: string[]): void;
  /** Hears of each record that was to be delivered from here and was not, for now or for good; the same object as given. */
  notDelivered(record: OutboxRecord, kind: NotDelivered): void;
  /** Hears when something can be reached that could not be before. */
  reachableAgain(): void;
}

/** Carries events to every service that handles them, at least once. */
export interface Transport {
  /** Starts to bring events to a service. Called once, before the first deliver. */
  start(intake: Intake): Promise<void>;
  /**
   * Delivers records and acknowledges those that need no further care; what could not be delivered the intake is told, so
   * this never rejects. It resolves when no more can be done now: sync, when the whole chain of events that follow has
   * been walked; async, when the broker has the events on disk.
   */
  deliver(records: OutboxRecord[]): Promise<void>;
  /** Whether events can be handed over right now. */
  healthy(): boolean;
  /** How long the oldest publication has waited for its confirm, where there is a broker; undefined if nothing waits. */
  oldestUnconfirmedMs?(): number | undefined;
  /** Events that wait at each service, where the transport itself keeps them; empty while it cannot tell. */
  backlog?(): Promise<Partial<Record<ServiceName, number>>>;
  /** How many messages this process has put aside for somebody to look at, by cause, where the transport does so itself. */
  deadLetters?(): Readonly<Record<string, number>>;
  /** How many of the service lie there now, whoever put them aside and whenever; undefined while it cannot tell. */
  deadLettersLeft?(): Promise<number | undefined>;
  /** Receives nothing more, where the transport fetches events itself; what is under way is finished. */
  stopReceiving?(): Promise<void>;
  /** Stops receiving, finishes what is under way. */
  stop(): Promise<void>;
}
