import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumeMessage, Message } from 'amqplib';
import type { Logger } from '../log.ts';
import { Holding, type HoldingOptions } from './amqp-holding.ts';
import {
  deadPublication,
  isSuspect,
  retryCountOf,
  retryPublication,
  typeOf,
  type FailureReason,
  type Publication,
} from './amqp-messages.ts';
import type { AmqpPublisher } from './amqp-publisher.ts';
import { readMessage, type Carried } from './amqp-reading.ts';
import type { Failure, Intake } from './transport.ts';

const publishAgainAfterMs = 1_000;

export interface MessageHandlerOptions extends HoldingOptions {
  intake: Pick<Intake, 'service' | 'receive'>;
  publisher: Pick<AmqpPublisher, 'publish'>;
  log: Pick<Logger, 'warn' | 'error'>;
  /** How often an event may fail for now before each further time is an error in the log. */
  retriesBeforeError: number;
  /** Hears of each batch how many events it has. */
  onBatch?: (events: number) => void;
}

/** Why a message is dead-lettered: it is no known event, or its service cannot handle it. */
export type DeadLetterCause = 'unreadable' | 'unhandleable';

/**
 * Hands the events of each message to the service, and moves those it could not handle to a retry or dead-letter queue: of a
 * batch those alone, as messages of their own.
 */
export class MessageHandler {
  readonly #options: MessageHandlerOptions;
  readonly #deadLetters: Record<DeadLetterCause, number> = { unreadable: 0, unhandleable: 0 };
  readonly #holding: Holding;

  constructor(options: MessageHandlerOptions) {
    this.#options = options;
    this.#holding = new Holding(options);
  }

  /** How many messages were dead-lettered since the start, by cause; single reasons would be too many to count. */
  get deadLetters(): Readonly<Record<DeadLetterCause, number>> {
    return { ...this.#deadLetters };
  }

  /**
   * @returns true when the work of all its events is committed or the broker has moved them; false when it is not wanted any more
   */
  async handle(message: ConsumeMessage, isWanted: () => boolean): Promise<boolean> {
    const { intake, onBatch } = this.#options;
    const { isBatch, carried } = readMessage(message, intake.service);
    if (isBatch) onBatch?.(carried.length);
    if (isBatch && isSuspect(message)) return this.#takeApart(carried, isWanted);
    const events = carried.flatMap(({ event }) => event ?? []);
    const failures = await this.#holding.receive(events, isWanted);
    if (!failures) return false;
    if (failures.length === 0 && events.length === carried.length) return true;
    const failureOf = new Map(failures.map((failure) => [failure.eventId, failure]));
    const settled = await Promise.all(
      carried.map((one) => this.#settle(one, one.event && failureOf.get(one.event.id), isWanted)),
    );
    return settled.every(Boolean);
  }

  /** @returns whether nothing more is to be done about it */
  async #settle({ event, unreadable, alone }: Carried, failure: Failure | undefined, isWanted: () => boolean) {
    const { intake, log, retriesBeforeError } = this.#options;
    if (!event) return this.#deadLetter(alone(), 'unreadable', { reason: `not readable: ${unreadable}` }, isWanted);
    if (!failure) return true;
    const message = alone();
    if (failure.kind === 'poison') return this.#deadLetter(message, 'unhandleable', failure, isWanted);
    const retries = retryCountOf(message);
    // Never dead-lettered: an outage may outlast any number of retries, and must not cost events.
    if (retries >= retriesBeforeError)
      log.error({ eventId: event.id, eventType: event.type, retries, reason: failure.reason }, 'event is stuck');
    return this.#moveTo(retryPublication(message, intake.service, new Date()), isWanted);
  }

  /**
   * What of a batch kills its process cannot be told from the rest of it. So all of it comes again event by event, as after a failure,
   * and the broker finds out.
   */
  async #takeApart(carried: Carried[], isWanted: () => boolean): Promise<boolean> {
    const { intake, log } = this.#options;
    log.warn({ events: carried.length }, 'a batch came back repeatedly: its events come again one by one');
    const moved = await Promise.all(
      carried.map((one) =>
        one.event
          ? this.#moveTo(retryPublication(one.alone(), intake.service, new Date()), isWanted)
          : this.#settle(one, undefined, isWanted),
      ),
    );
    return moved.every(Boolean);
  }

  async #deadLetter(
    message: Message,
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
