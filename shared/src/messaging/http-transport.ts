import { Router } from 'express';
import { z } from 'zod';
import type { Logger } from '../log.ts';
import { parseEvent, type DomainEvent } from '../events/schemas.ts';
import { serviceNames, subscribersOf, type ServiceName } from '../events/subscriptions.ts';
import { parse } from '../http/validate.ts';
import { Batcher } from './batcher.ts';
import { failureSchema, type Intake, type OutboxRecord, type Transport } from './transport.ts';
import type { InternalClient } from './http-client.ts';

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

/** `followed` ends with the chain of events that the post brought about; the next post need not wait for it. */
interface Posted {
  handled: boolean;
  followed: Promise<void>;
}

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
  readonly #posts = new Map<ServiceName, Batcher<DomainEvent, Posted>>();
  readonly #acknowledged = new Map<ServiceName, string[]>();
  #acknowledgeTimer: NodeJS.Timeout | undefined;
  #intake: Intake | undefined;
  #walks = new Set<Promise<void>>();

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    for (const service of serviceNames) {
      this.#posts.set(
        service,
        new Batcher({
          flush: (events) => this.#post(service, events),
          maxItems: largestPost,
          maxQueued: options.maxQueued,
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
      response.json({ failures: [...failures, ...unreadable], records });
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
    await Promise.all(
      records.map(async (record) => {
        const handled = await Promise.all(
          record.events.flatMap((event) => subscribersOf(event.type).map((service) => this.#send(service, event))),
        );
        if (!handled.includes(false)) this.#acknowledge(record);
      }),
    );
  }

  /** @returns whether the service has handled the event for good; the walk goes on with what followed before it resolves */
  async #send(service: ServiceName, event: DomainEvent): Promise<boolean> {
    if (service === this.#intake!.service) {
      const { failures, delivered } = await this.#intake!.receive([event], 'self');
      await delivered;
      return failures.length === 0;
    }
    try {
      const { handled, followed } = await this.#posts.get(service)!.run(event);
      await followed;
      return handled;
    } catch (error) {
      this.#options.log.warn(
        { to: service, eventType: event.type, eventId: event.id, reason: String(error).slice(0, 300) },
        'not delivered now',
      );
      return false;
    }
  }

  async #post(service: ServiceName, events: DomainEvent[]): Promise<Posted[]> {
    const acknowledged = this.#takeAcknowledged(service);
    try {
      const answer = responseSchema.parse(
        await this.#options.client.post(service, '/events', { events, acknowledged }),
      );
      const records = answer.records.map((record) => ({ ...record, events: record.events.map(parseEvent) }));
      const failed = new Set(answer.failures.map(({ eventId }) => eventId));
      const followed = records.length > 0 ? this.deliver(records) : Promise.resolve();
      return events.map(({ id }) => ({ handled: !failed.has(id), followed }));
    } catch (error) {
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
