import { Router } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { parseEvent, type DomainEvent } from '../events/schemas.ts';
import { subscribersOf } from '../events/subscriptions.ts';
import { serviceNames, type ServiceName } from '../services.ts';
import { parse } from '../http/validate.ts';
import { Batcher } from './batcher.ts';
import {
  failureSchema,
  type Failure,
  type Intake,
  type NotDelivered,
  type OutboxRecord,
  type Transport,
} from './transport.ts';
import { BadAnswer, type InternalClient } from './http-client.ts';
import { Receivers } from './receivers.ts';

const largestPost = 256;
const acknowledgeWithinMs = 100;
const acknowledgeAtMost = 1_000;

const requestSchema = z.strictObject({
  events: z.array(z.unknown()).max(largestPost),
  acknowledged: z.array(z.uuid()).max(acknowledgeAtMost),
});
const responseSchema = z.strictObject({
  failures: z.array(failureSchema),
  records: z.array(z.strictObject({ id: z.uuid(), owner: z.enum(serviceNames), events: z.array(z.unknown()) })),
});

/** What became of one event at one service. `followed` ends with the chain that it brought about, and is not waited for. */
interface Sent {
  failure: NotDelivered | undefined;
  followed: Promise<void>;
}

const nothingFollows = Promise.resolve();
type Ended = 'handled' | 'poison';
const keyOf = ({ event, service }: { event: DomainEvent; service: ServiceName }) => `${event.id} ${service}`;

export interface HttpTransportOptions {
  client: InternalClient;
  log: Logger;
  maxQueued: number;
}

/**
 * Walks a chain of events hop by hop. Each batch is posted to the services that handle it; they commit and answer with
 * the events that follow, and this process carries those on: nobody waits for another while holding a transaction.
 * Events for the walker's own service do not leave the process.
 */
export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #posts = new Map<ServiceName, Batcher<DomainEvent, Sent>>();
  readonly #acknowledged = new Map<ServiceName, string[]>();
  #acknowledgeTimer: NodeJS.Timeout | undefined;
  #intake: Intake | undefined;
  #walks = new Set<Promise<void>>();
  /** Of records that must be tried again: what has come to its end, so that the next try is about the rest. */
  readonly #tried = new WeakMap<OutboxRecord, Map<string, Ended>>();
  readonly #unreachable = new Set<ServiceName>();
  readonly #receivers = new Receivers();

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    for (const service of serviceNames) {
      this.#posts.set(
        service,
        new Batcher({
          flush: (events) => this.#post(service, events),
          maxItems: largestPost,
          maxQueued: options.maxQueued,
          shouldSplit: (error) => error instanceof BadAnswer,
        }),
      );
    }
  }

  start(intake: Intake): Promise<void> {
    this.#intake = intake;
    return Promise.resolve();
  }

  /** The receiving end, mounted under /internal behind the check of the internal token. */
  routes(): Router {
    const router = Router();
    router.post('/events', async (request, response) => {
      const { events, acknowledged } = parse(requestSchema, request.body);
      const parsed: DomainEvent[] = [];
      const unreadable: z.output<typeof failureSchema>[] = [];
      for (const input of events) {
        try {
          parsed.push(parseEvent(input));
        } catch (error) {
          const eventId = z.object({ id: z.uuid() }).safeParse(input).data?.id;
          this.#options.log.error({ eventId, reason: String(error).slice(0, 500) }, 'event cannot be read');
          if (eventId) unreadable.push({ eventId, kind: 'poison', reason: 'not readable' });
        }
      }
      if (acknowledged.length > 0) this.#intake!.acknowledge(acknowledged);
      const { failures, records } = await this.#intake!.receive(parsed, 'sender');
      if (parsed.length > 0 && failures.filter(({ kind }) => kind === 'unreachable').length === parsed.length)
        throw new AppError('unavailable', 'None of the events can be handled now.');
      response.json({ failures: [...failures.map(asAnswered), ...unreadable], records });
    });
    return router;
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
    await this.#sendAcknowledgements();
    await this.#options.client.close();
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
      const { failures, delivered } = await this.#intake!.receive([event], 'self');
      if (failures.length === 0) this.#receivers.handled(service);
      return { failure: failures[0]?.kind, followed: delivered };
    }
    try {
      return await this.#posts.get(service)!.run(event);
    } catch (error) {
      this.#options.log.warn(
        { to: service, eventType: event.type, eventId: event.id, reason: String(error).slice(0, 300) },
        'not delivered now',
      );
      // What answered may be no service at all; that it is the event, others tell.
      return { failure: 'unreachable', followed: nothingFollows };
    }
  }

  async #post(service: ServiceName, events: DomainEvent[]): Promise<Sent[]> {
    const acknowledged = this.#takeAcknowledged(service);
    try {
      const answer = readAnswer(await this.#options.client.post(service, '/events', { events, acknowledged }));
      if (this.#unreachable.delete(service)) this.#intake!.reachableAgain();
      const failed = new Map(answer.failures.map(({ eventId, kind }) => [eventId, kind]));
      this.#receivers.handled(service, events.filter(({ id }) => !failed.has(id)).length);
      const followed = answer.records.length > 0 ? this.deliver(answer.records) : nothingFollows;
      return events.map(({ id }) => ({ failure: failed.get(id), followed }));
    } catch (error) {
      if (!(error instanceof BadAnswer)) this.#unreachable.add(service);
      this.#putBack(service, acknowledged);
      throw error;
    }
  }

  #acknowledge(record: OutboxRecord): void {
    if (record.owner === this.#intake!.service) {
      this.#intake!.acknowledge([record.id]);
      return;
    }
    this.#putBack(record.owner, [record.id]);
    this.#acknowledgeTimer ??= setTimeout(() => void this.#sendAcknowledgements(), acknowledgeWithinMs);
  }

  /** What no post took along within the time. A lost acknowledgement costs a redelivery that the inbox absorbs. */
  async #sendAcknowledgements(): Promise<void> {
    clearTimeout(this.#acknowledgeTimer);
    this.#acknowledgeTimer = undefined;
    await Promise.all(
      [...this.#acknowledged.keys()].map(async (service) => {
        for (let acknowledged; (acknowledged = this.#takeAcknowledged(service)).length > 0;) {
          await this.#options.client.post(service, '/events', { events: [], acknowledged }).catch(() => {});
        }
      }),
    );
  }

  #takeAcknowledged(service: ServiceName): string[] {
    return this.#acknowledged.get(service)?.splice(0, acknowledgeAtMost) ?? [];
  }

  #putBack(service: ServiceName, ids: string[]): void {
    const waiting = this.#acknowledged.get(service) ?? [];
    waiting.push(...ids);
    this.#acknowledged.set(service, waiting);
  }
}

/** A release before does not know of what is unreachable behind a service that answers. */
const asAnswered = (failure: Failure): Failure =>
  failure.kind === 'unreachable' ? { ...failure, kind: 'transient' } : failure;

/** @throws BadAnswer */
function readAnswer(body: unknown): { failures: Failure[]; records: OutboxRecord[] } {
  try {
    const { failures, records } = responseSchema.parse(body);
    return { failures, records: records.map((record) => ({ ...record, events: record.events.map(parseEvent) })) };
  } catch (cause) {
    throw new BadAnswer('the answer cannot be read', { cause });
  }
}
