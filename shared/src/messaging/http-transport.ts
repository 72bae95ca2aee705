import { Router } from 'express';
import { z } from 'zod';
import { AppError } from '@flash-sale/contract/errors.ts';
import type { Logger } from '../log.ts';
import { parseEvent, type DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { parse } from '../http/validate.ts';
import { BadAnswer, failureSchema, type Failure, type Intake, type OutboxRecord, type Receipt } from './transport.ts';
import type { InternalClient } from './http-client.ts';
import { bringInContext, contextsOf } from './event-context.ts';
import { readEvents } from './read-events.ts';
import { handlesNothing, maxHopEvents, type Hop } from './walker.ts';

const acknowledgeWithinMs = 100;
const acknowledgeAtMost = 1_000;

const requestSchema = z.strictObject({
  events: z.array(z.unknown()).max(maxHopEvents),
  acknowledged: z.array(z.uuid()).max(acknowledgeAtMost),
  /** As by `contextsOf`; read by who has this address, so that others need not know of it. */
  contexts: z.unknown().optional(),
});
const responseSchema = z.strictObject({
  failures: z.array(failureSchema),
  records: z.array(
    z.strictObject({
      id: z.uuid(),
      owner: z.enum(serviceNames),
      events: z.array(z.unknown()),
      contexts: z.unknown().optional(),
    }),
  ),
});

type AnsweredRecord = z.output<typeof responseSchema>['records'][number];

const plainPath = '/events';
/**
 * For events with what travels beside them. A release before does not have it, and would refuse a body with more than it knows: it is
 * told the events alone.
 */
const contextPath = '/events-in-context';
/** How long a service is not asked again in this way: an instance of the release before may answer any request. */
const plainForMs = 10_000;
const notFoundStatus = 404;

/** Hops as HTTP posts through the internal listener. Acknowledgements travel with the next events to their service. */
export class HttpHop implements Hop {
  readonly #client: InternalClient;
  readonly #log: Logger;
  readonly #acknowledged = new Map<ServiceName, string[]>();
  #acknowledgeTimer: NodeJS.Timeout | undefined;
  readonly #plainUntilMs = new Map<ServiceName, number>();
  #intake: Intake | undefined;

  constructor({ client, log }: { client: InternalClient; log: Logger }) {
    this.#client = client;
    this.#log = log;
  }

  open(intake: Intake): void {
    this.#intake = intake;
  }

  /** The receiving end, as in `eventRoutes`. */
  routes(): Router {
    return eventRoutes(() => this.#intake!, this.#log);
  }

  async bring(service: ServiceName, events: DomainEvent[]): Promise<Receipt> {
    const acknowledged = this.#takeAcknowledged(service);
    try {
      return readAnswer(await this.#post(service, events, acknowledged));
    } catch (error) {
      this.#putBack(service, acknowledged);
      throw error;
    }
  }

  async #post(service: ServiceName, events: DomainEvent[], acknowledged: string[]): Promise<unknown> {
    const contexts = performance.now() < (this.#plainUntilMs.get(service) ?? 0) ? undefined : contextsOf(events);
    if (contexts) {
      try {
        return await this.#client.post(service, contextPath, { events, acknowledged, contexts });
      } catch (error) {
        if (!(error instanceof BadAnswer && error.status === notFoundStatus)) throw error;
        this.#plainUntilMs.set(service, performance.now() + plainForMs);
      }
    }
    return this.#client.post(service, plainPath, { events, acknowledged });
  }

  acknowledge({ owner, id }: OutboxRecord): void {
    this.#putBack(owner, [id]);
    this.#acknowledgeTimer ??= setTimeout(() => void this.#sendAcknowledgements(), acknowledgeWithinMs);
  }

  async close(): Promise<void> {
    await this.#sendAcknowledgements();
    await this.#client.close();
  }

  /** What no post took along within the time. A lost acknowledgement costs a redelivery that the inbox absorbs. */
  async #sendAcknowledgements(): Promise<void> {
    clearTimeout(this.#acknowledgeTimer);
    this.#acknowledgeTimer = undefined;
    await Promise.all(
      [...this.#acknowledged.keys()].map(async (service) => {
        for (let acknowledged; (acknowledged = this.#takeAcknowledged(service)).length > 0;) {
          await this.#client.post(service, plainPath, { events: [], acknowledged }).catch(() => {});
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

/**
 * Where events come in over HTTP, mounted under /internal behind the check of the internal token.
 * @param intake of the service, once its transport has started
 */
export function eventRoutes(intake: () => Intake, log: Logger): Router {
  const router = Router();
  const receive = async (body: unknown): Promise<Receipt> => {
    const { events: brought, acknowledged, contexts } = parse(requestSchema, body);
    bringInContext(brought, contexts);
    const { events, unreadable } = readEvents(brought, log);
    if (acknowledged.length > 0) intake().acknowledge(acknowledged);
    const { failures, records } = await intake().receive(events, 'return');
    if (handlesNothing(events, failures)) throw new AppError('unavailable', 'None of the events can be handled now.');
    return { failures: [...failures.map(asAnswered), ...unreadable], records };
  };
  router.post(plainPath, async (request, response) => {
    response.json(await receive(request.body));
  });
  router.post(contextPath, async (request, response) => {
    const { failures, records } = await receive(request.body);
    const inContext = records.map((record) => ({ ...record, contexts: contextsOf(record.events) }));
    response.json({ failures, records: inContext });
  });
  return router;
}

/** A release before does not know of what is unreachable behind a service that answers. */
const asAnswered = (failure: Failure): Failure =>
  failure.kind === 'unreachable' ? { ...failure, kind: 'transient' } : failure;

function readRecord({ id, owner, events: brought, contexts }: AnsweredRecord): OutboxRecord {
  const events = brought.map(parseEvent);
  bringInContext(events, contexts);
  return { id, owner, events };
}

/** @throws BadAnswer */
function readAnswer(body: unknown): Receipt {
  try {
    const { failures, records } = responseSchema.parse(body);
    return { failures, records: records.map(readRecord) };
  } catch (cause) {
    throw new BadAnswer('the answer cannot be read', { cause });
  }
}
