import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { Logger } from '../log.ts';
import {
  deadPublication,
  readEvent,
  retryCountOf,
  retryPublication,
  typeOf,
  type FailureReason,
  type Publication,
} from './amqp-messages.ts';
import type { AmqpPublisher } from './amqp-publisher.ts';
import type { Failure, Intake } from './transport.ts';

const publishAgainAfterMs = 1_000;
/** Between the tries of an event that is held; the last is the longest that an outage of the database outlives its end. */
const pausesMs = [100, 300, 500];

export interface MessageHandlerOptions {
  intake: Intake;
  publisher: Pick<AmqpPublisher, 'publish'>;
  log: Logger;
  /** How often an event may fail for now before each further time is an error in the log. */
  retriesBeforeError: number;
  /** How long an event is held and tried again while its service handles nothing at all, as without its database. */
  holdMs: number;
}

/** Why a message is dead-lettered: it is no known event, or its service cannot handle it. */
export type DeadLetterCause = 'unreadable' | 'unhandleable';

/** Hands each message to the service, and moves those it could not handle to a retry or dead-letter queue. */
export class MessageHandler {
  readonly #options: MessageHandlerOptions;
  readonly #deadLetters: Record<DeadLetterCause, number> = { unreadable: 0, unhandleable: 0 };

  constructor(options: MessageHandlerOptions) {
    this.#options = options;
  }

  /** How many messages were dead-lettered since the start, by cause; single reasons would be too many to count. */
  get deadLetters(): Readonly<Record<DeadLetterCause, number>> {
    return { ...this.#deadLetters };
  }

  /** @returns true when its work is committed or the broker has moved it; false when it is not wanted any more */
  async handle(message: ConsumeMessage, isWanted: () => boolean): Promise<boolean> {
    const { intake, log, retriesBeforeError } = this.#options;
    let event: DomainEvent;
    try {
      event = readEvent(message, intake.service);
    } catch (error) {
      return this.#deadLetter(message, 'unreadable', { reason: `not readable: ${reasonOf(error)}` }, isWanted);
    }
    const failure = await this.#receive(event, isWanted);
    if (!failure) return true;
    if (failure.kind === 'poison') return this.#deadLetter(message, 'unhandleable', failure, isWanted);
    const retries = retryCountOf(message);
    // Never dead-lettered: an outage may outlast any number of retries, and must not cost events.
    if (retries >= retriesBeforeError)
      log.error({ eventId: event.id, eventType: event.type, retries, reason: failure.reason }, 'event is stuck');
    return this.#moveTo(retryPublication(message, intake.service, new Date()), isWanted);
  }

  /**
   * Retries while the service handles nothing: a retry queue would delay the event beyond the end of a short outage. Not for ever,
   * since another instance may be well. Events that are held at the same time share their retries, as all work of a lane does.
   */
  async #receive(event: DomainEvent, isWanted: () => boolean): Promise<Failure | undefined> {
    const { intake, log, holdMs } = this.#options;
    const sinceMs = performance.now();
    for (let tries = 0; ; tries += 1) {
      const { failures } = await intake.receive([event], 'deliver');
      const failure = failures[0];
      if (failure?.kind !== 'unreachable') return failure;
      if (performance.now() - sinceMs >= holdMs) {
        const { id: eventId, type: eventType } = event;
        log.warn({ eventId, eventType, reason: failure.reason }, 'event not handled yet');
        return failure;
      }
      await sleep(pausesMs[Math.min(tries, pausesMs.length - 1)], undefined, { ref: false });
      if (!isWanted()) return failure;
    }
  }

  async #deadLetter(
    message: ConsumeMessage,
    cause: DeadLetterCause,
    failure: FailureReason,
    isWanted: () => boolean,
  ): Promise<boolean> {
    const { intake, log } = this.#options;
    const moved = await this.#moveTo(deadPublication(message, intake.service, failure, new Date()), isWanted);
    if (!moved) return false;
    this.#deadLetters[cause] += 1;
    const { messageId: eventId } = message.properties as { messageId: unknown };
    const { reason } = failure;
    log.error({ eventId, eventType: typeOf(message), cause, reason, deadLetters: this.deadLetters }, 'event put aside');
    return true;
  }

  /**
   * Holds the message until the broker has confirmed it at its destination. To requeue it would deliver it again at once, and each
   * delivery counts against the queue's limit. The confirm is awaited without a timeout: to publish again what is only slow would
   * double it, again and again.
   */
  async #moveTo(publication: Publication, isWanted: () => boolean): Promise<boolean> {
    while (isWanted()) {
      const outcome = await new Promise((resolve) => this.#options.publisher.publish(publication, resolve));
      if (outcome === 'confirmed') return true;
      await sleep(publishAgainAfterMs, undefined, { ref: false });
    }
    return false;
  }
}

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');
