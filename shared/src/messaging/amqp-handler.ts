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

/** Why a message is put aside: it is no event that we know, or its service cannot handle it. */
export type DeadLetterCause = 'unreadable' | 'unhandleable';

/** Gives each message to the service, and finds a place for those that it could not handle. */
export class MessageHandler {
  readonly #options: MessageHandlerOptions;
  readonly #deadLetters: Record<DeadLetterCause, number> = { unreadable: 0, unhandleable: 0 };

  constructor(options: MessageHandlerOptions) {
    this.#options = options;
  }

  /** How many messages were put aside since the start. Their own reasons are without number, so it is these that count. */
  get deadLetters(): Readonly<Record<DeadLetterCause, number>> {
    return { ...this.#deadLetters };
  }

  /** @returns true when its work is committed or the broker has it elsewhere; false when it is not wanted any more */
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
    // It is never given up: an outage may last longer than any count, and what came before it must not be lost to it.
    if (retries >= retriesBeforeError)
      log.error({ eventId: event.id, eventType: event.type, retries, reason: failure.reason }, 'event is stuck');
    return this.#moveTo(retryPublication(message, intake.service, new Date()), isWanted);
  }

  /**
   * Tries on while the service handles nothing: the queue has no better place for the event, and to be moved on to a step
   * that lasts longer than the outage would be the outage's fault. Not for ever, for another instance may be well. Events
   * that are held at the same time share their tries, as everything that the service does at a time.
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
   * Holds the message until the broker has it where it belongs. Giving it back instead would bring it again at once, and
   * each time counts against the queue's limit of deliveries. The outcome is waited for however long it takes: to publish
   * again what is only slow would make two of one, and two of each of those.
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
