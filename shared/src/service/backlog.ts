import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { Logger } from '../log.ts';
import type { OutboxBacklog } from '../messaging/housekeeping.ts';
import type { Transport } from '../messaging/transport.ts';

export interface BacklogOptions {
  service: ServiceName;
  /** Counts what waits in the service's outbox. */
  readOutbox: () => Promise<OutboxBacklog>;
  transport: Pick<Transport, 'backlog' | 'deadLettersLeft' | 'oldestUnconfirmedMs'>;
  limits: {
    /** From so many outbox records on the service is overloaded, */
    outboxRecords: number;
    /** beyond this age of the oldest of them, */
    outboxAgeMs: number;
    /** and from so many messages in the fullest queue on. */
    queueMessages: number;
    /** Beyond this age of the oldest event that the broker has not confirmed the service is stalled. */
    unpublishedAgeMs: number;
  };
  log: Pick<Logger, 'warn'>;
}

/** How much waits to be delivered and handled, as it was when last measured; and whether it is too much to accept more. */
export class Backlog {
  readonly #options: BacklogOptions;
  #counts: { outbox?: number; queue?: number | undefined; dead?: number | undefined } = {};
  #oldestRecord: { ageMs: number; readAtMs: number } | undefined;
  #isOverloaded = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Records in the outbox, messages in the service's queue, its dead letters; each only as far as it is known. */
  get counts(): Readonly<{ outbox?: number; queue?: number | undefined; dead?: number | undefined }> {
    return this.#counts;
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
    const oldest = this.#oldestRecord;
    return oldest && oldest.ageMs + performance.now() - oldest.readAtMs;
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

  /** @throws what reading the outbox throws; then nothing is known until the next time */
  async measure(): Promise<void> {
    const { service, readOutbox, transport } = this.#options;
    const { depth, oldestMs } = await readOutbox().catch((error: unknown) => {
      // What was true before the outage is not told during it.
      this.#counts = {};
      this.#oldestRecord = undefined;
      throw error;
    });
    this.#oldestRecord = oldestMs === undefined ? undefined : { ageMs: oldestMs, readAtMs: performance.now() };
    const queues: Partial<Record<ServiceName, number>> = (await transport.backlog?.().catch(() => ({}))) ?? {};
    const dead = await transport.deadLettersLeft?.().catch(() => undefined);
    this.#counts = { outbox: depth, queue: queues[service], dead };
    this.#judge({ depth, oldestMs, waiting: Math.max(0, ...Object.values(queues)) });
  }

  #judge(measured: { depth: number; oldestMs: number | undefined; waiting: number }): void {
    const { limits, log } = this.#options;
    const { depth, oldestMs, waiting } = measured;
    const overloaded =
      depth >= limits.outboxRecords || waiting >= limits.queueMessages || (oldestMs ?? 0) > limits.outboxAgeMs;
    if (overloaded !== this.#isOverloaded) log.warn({ ...measured, overloaded }, 'the backlog crosses its bound');
    this.#isOverloaded = overloaded;
  }
}
