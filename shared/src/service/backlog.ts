import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { Logger } from '../log.ts';
import type { OutboxBacklog } from '../messaging/outbox-look.ts';
import type { Transport } from '../messaging/transport.ts';

/**
 * So long a queue counts as it was last known: a broker that stalls does not tell what waits in it, and that is no reason to accept more. What has
 * not been told for longer may be anything.
 */
const queuesKnownForMs = 60_000;

export interface BacklogOptions {
  service: ServiceName;
  transport: Pick<Transport, 'backlog' | 'deadLettersLeft' | 'oldestUnconfirmedMs'>;
  limits: {
    /** From so many outbox records on the service is overloaded, */
    outboxRecords: number;
    /** beyond this age of the oldest of them, */
    outboxAgeMs: number;
    /** and from so many events on that wait at the broker for one service. */
    queueMessages: number;
    /** Beyond this age of the oldest event that the broker has not confirmed the service is stalled. */
    unpublishedAgeMs: number;
  };
  log: Pick<Logger, 'warn'>;
}

/** How much waits to be delivered and handled, as it was when last measured; and whether it is too much to accept more. */
export class Backlog {
  readonly #options: BacklogOptions;
  #outbox: OutboxBacklog | undefined;
  #outboxReadAtMs = 0;
  #queues: Partial<Record<ServiceName, number>> = {};
  readonly #lastKnown = new Map<string, { waiting: number; atMs: number }>();
  #dead: number | undefined;
  #isOverloaded = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Records in the outbox, events in the service's queues, its dead letters; each only as far as it is known. */
  get counts(): Readonly<Record<'outbox' | 'queue' | 'dead', number | undefined>> {
    return { outbox: this.#outbox?.depth, queue: this.#queues[this.#options.service], dead: this.#dead };
  }

  /** Whether so much waits that work which can be refused should be. */
  get isOverloaded(): boolean {
    return this.#isOverloaded || this.isStalled;
  }

  /** Whether nothing that is accepted now would come to its end, for the broker takes nothing. */
  get isStalled(): boolean {
    return (this.oldestUnpublishedMs() ?? 0) > this.#options.limits.unpublishedAgeMs;
  }

  /** Age of the oldest outbox record by now; undefined while there is none, or nobody knows. */
  oldestRecordMs(): number | undefined {
    const ageMs = this.#outbox?.oldestMs;
    return ageMs === undefined ? undefined : ageMs + performance.now() - this.#outboxReadAtMs;
  }

  /** Age of the oldest event that the broker has not confirmed; undefined while all are, and where there is no broker. */
  oldestUnpublishedMs(): number | undefined {
    const { transport } = this.#options;
    if (!transport.oldestUnconfirmedMs) return undefined;
    // With a broker, a record that is still in the outbox is one that the broker has not confirmed.
    const unconfirmedMs = transport.oldestUnconfirmedMs();
    const recordMs = this.oldestRecordMs();
    if (unconfirmedMs === undefined || recordMs === undefined) return unconfirmedMs ?? recordMs;
    return Math.max(unconfirmedMs, recordMs);
  }

  /** @param outbox what waits in the service's outbox now; undefined when nobody knows: what was true before is not told */
  outboxIs(outbox: OutboxBacklog | undefined): void {
    this.#outbox = outbox;
    this.#outboxReadAtMs = performance.now();
    // What was refused before an outage stays refused during it.
    if (outbox) this.#judge(outbox);
  }

  /** Asks the broker what waits in its queues; what it does not tell is not known until the next time. */
  async measureQueues(): Promise<void> {
    const { transport } = this.#options;
    this.#queues = (await transport.backlog?.().catch(() => ({}))) ?? {};
    const atMs = performance.now();
    for (const [service, waiting] of Object.entries(this.#queues)) this.#lastKnown.set(service, { waiting, atMs });
    this.#dead = await transport.deadLettersLeft?.().catch(() => undefined);
    if (this.#outbox) this.#judge(this.#outbox);
  }

  #judge({ depth, oldestMs }: OutboxBacklog): void {
    const { limits, log } = this.#options;
    const knownSinceMs = performance.now() - queuesKnownForMs;
    const known = [...this.#lastKnown.values()].filter(({ atMs }) => atMs >= knownSinceMs);
    const waiting = Math.max(0, ...known.map((queue) => queue.waiting));
    const overloaded =
      depth >= limits.outboxRecords || waiting >= limits.queueMessages || (oldestMs ?? 0) > limits.outboxAgeMs;
    if (overloaded !== this.#isOverloaded)
      log.warn({ depth, oldestMs, waiting, overloaded }, 'the backlog crosses its bound');
    this.#isOverloaded = overloaded;
  }
}
