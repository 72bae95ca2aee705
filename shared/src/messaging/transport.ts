import { z } from 'zod';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';

/** A row of a service's outbox: events of one transaction, kept until all of them are handled. */
export interface OutboxRecord {
  id: string;
  owner: ServiceName;
  events: DomainEvent[];
}

/**
 * `unreachable`: the service handles nothing at present, for example without its database; `transient`: this event cannot be
 * handled now, but may be later; `poison`: it fails whenever it is delivered.
 */
export const failureSchema = z.strictObject({
  eventId: z.uuid(),
  kind: z.enum(['unreachable', 'transient', 'poison']),
  reason: z.string().max(500),
  /** The stack trace of an unexpected error. */
  stack: z.string().max(4_000).optional(),
});
export type Failure = z.output<typeof failureSchema>;

/**
 * Why a record was not delivered, as in Failure. `unreachable` says nothing about the record: as far as is known, no other gets
 * through either. The rest is about this record. See Receivers.
 */
export type NotDelivered = Failure['kind'];

/** A service was reached, but its answer is none that it may give. */
export class BadAnswer extends Error {
  /** Of an answer by HTTP that was an error. */
  readonly status: number | undefined;

  constructor(message: string, { status, ...options }: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.status = status;
  }
}

/** The result of delivering events to a service: those not in `failures` are handled for good. */
export interface Receipt {
  failures: Failure[];
  /** The outbox records that the sender is to deliver; none where the service delivers its follow-ups itself. */
  records: OutboxRecord[];
}

/** What a service does with the events that follow from those it handles: deliver them, or return them to the sender. */
export type FollowUps = 'deliver' | 'return';

/** The receiving side of a service, as a transport sees it. */
export interface Intake {
  readonly service: ServiceName;
  /** Handles events, exactly once in effect however often they are delivered. Never rejects. */
  receive(events: DomainEvent[], followUps: FollowUps): Promise<Receipt & { delivered: Promise<void> }>;
  /** Removes outbox records whose events are all handled. Unknown ids are ignored. */
  acknowledge(recordIds: string[]): void;
  /** Called for each record that could not be delivered, for now or for good; with the same object as given. */
  notDelivered(record: OutboxRecord, kind: NotDelivered): void;
  /** Called when a receiver can be reached that could not be before. */
  reachableAgain(): void;
}

/** Carries events to every service that handles them, at least once. */
export interface Transport {
  /** Starts to bring events to a service. Called once, before the first deliver. */
  start(intake: Intake): Promise<void>;
  /**
   * Delivers records, acknowledges those that are done, and tells the intake of those that could not be delivered. Never rejects.
   * Resolves when no more can be done now: without a broker, when the whole chain of follow-ups has been walked; with one, when it
   * has the events on disk.
   */
  deliver(records: OutboxRecord[]): Promise<void>;
  /** Whether events can be delivered right now. */
  healthy(): boolean;
  /** How long the oldest publication has waited for its confirm, where there is a broker; undefined if none waits. */
  oldestUnconfirmedMs?(): number | undefined;
  /** About how many events wait for each service, where the transport itself stores them; empty while unknown. */
  backlog?(): Promise<Partial<Record<ServiceName, number>>>;
  /** How many messages this process has dead-lettered, by cause, where the transport does that. */
  deadLetters?(): Readonly<Record<string, number>>;
  /** How many dead letters of the service there are now, from any process; undefined while unknown. */
  deadLettersLeft?(): Promise<number | undefined>;
  /** Stops fetching events, where the transport fetches them; finishes what is under way. */
  stopReceiving?(): Promise<void>;
  /** Stops receiving, finishes what is under way. */
  stop(): Promise<void>;
}
