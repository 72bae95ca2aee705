import type { Kysely } from 'kysely';
import type { Logger } from '../log.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { giveBackRows, markFailing, sweepAtMost, sweepOutbox, type MessagingTables } from './housekeeping.ts';
import type { OutboxBacklog } from './outbox-look.ts';
import { periodically } from './periodic.ts';
import { ProcessLease } from './process-lease.ts';
import { Redelivery } from './redelivery.ts';
import { throttled } from './throttled.ts';
import type { Intake, NotDelivered, OutboxRecord, Transport } from './transport.ts';

/** After an outage much is found, and should not wait for many turns. */
const sweepRounds = 50;
/** A connection that comes and goes must not have everything that is held sent again each time. */
const retryEveryMs = 250;
const looksPerLease = 3;
/** Looks say when something is due; this is for what they might miss. */
const sweepAnywayEveryMs = 30_000;

export interface OutboxOptions {
  db: Kysely<MessagingTables>;
  service: ServiceName;
  instance: string;
  transport: Pick<Transport, 'deliver' | 'healthy'>;
  log: Logger;
  leaseMs: number;
  /** How often the lease is renewed and the outbox looked at; oftener where the lease is short. */
  lookEveryMs: number;
  maxAttempts: number;
  /** Most records that are counted at a look. */
  countAtMost: number;
  /** Hears at each look what waits; undefined when the database did not tell. */
  onLook?: (waiting: OutboxBacklog | undefined) => void;
  /** Bounds of what this process tries again from memory, as in Redelivery. */
  maxHeld: number;
  holdMs: number;
  handoverMs: number;
}

/**
 * Sees to it that every record is delivered: this process tries its own again from memory for as long as it lives and
 * holds them; those of processes that are gone, and those that were given back, it takes up from the database.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #lease: ProcessLease;
  readonly #redelivery: Redelivery;
  #looking: ReturnType<typeof periodically> | undefined;
  #sweeping: ReturnType<typeof periodically> | undefined;
  #due: NodeJS.Timeout | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { db, transport, maxAttempts } = options;
    this.#lease = new ProcessLease(options);
    this.#redelivery = new Redelivery({
      ...options,
      deliver: (records) => transport.deliver(records),
      giveBack: (ids, kind) => giveBackRows({ db, ids, kind, holder: this.#lease.holder, maxAttempts }),
      markFailing: (ids) => markFailing(db, ids),
    });
  }

  /** Whose the records of this process are, as in ProcessLease. */
  get holder(): string | null {
    return this.#lease.holder;
  }

  /** The receiving side of the service with the outcomes of its deliveries, for the transport. */
  intakeOf(lane: Pick<Intake, 'service' | 'receive' | 'acknowledge'>): Intake {
    return {
      service: lane.service,
      receive: (events, followUps) => lane.receive(events, followUps),
      acknowledge: (ids: string[]) => {
        this.#redelivery.forget(ids);
        lane.acknowledge(ids);
      },
      notDelivered: (record: OutboxRecord, kind: NotDelivered) => this.#redelivery.notDelivered(record, kind),
      reachableAgain: throttled(() => {
        this.#redelivery.retryNow();
        this.#sweeping?.wake();
      }, retryEveryMs),
    };
  }

  /** Takes the lease and goes on looking. To be called before the first record is made. Never rejects. */
  async begin(): Promise<void> {
    const { leaseMs, lookEveryMs, log } = this.#options;
    const task = () => this.#look();
    // With the database away the first look that reaches it takes the lease.
    await task().catch((error: Error) => log.warn({ reason: error.message }, 'no process lease yet'));
    this.#looking = periodically({
      name: 'outbox-look',
      everyMs: Math.min(leaseMs / looksPerLease, lookEveryMs),
      log,
      task,
    });
  }

  /** To be called when the transport can deliver: what a predecessor has left is taken up now. */
  sweep(): void {
    const { log } = this.#options;
    const task = () => this.#sweep();
    this.#sweeping = periodically({ name: 'outbox-sweep', everyMs: sweepAnywayEveryMs, log, task, atOnce: true });
  }

  /** Starts no more deliveries. What is held is for the others as soon as the lease has ended. */
  async stopDelivering(): Promise<void> {
    clearTimeout(this.#due);
    await this.#sweeping?.stop();
    this.#sweeping = undefined;
    this.#redelivery.stop();
  }

  /** To be called when nothing is under way any more. */
  async end(): Promise<void> {
    await this.stopDelivering();
    await this.#looking?.stop();
    await this.#lease.end();
  }

  async #look(): Promise<void> {
    const { lookEveryMs, onLook } = this.#options;
    try {
      const { waiting, dueInMs = Infinity } = await this.#lease.renew();
      onLook?.(waiting);
      clearTimeout(this.#due);
      if (dueInMs <= 0) this.#sweeping?.wake();
      else if (dueInMs < 2 * lookEveryMs) this.#due = setTimeout(() => this.#sweeping?.wake(), dueInMs).unref();
    } catch (error) {
      onLook?.(undefined);
      throw error;
    }
  }

  async #sweep(): Promise<void> {
    const { db, service, transport, log, maxAttempts } = this.#options;
    const deliver = (records: OutboxRecord[]) => transport.deliver(records);
    // What cannot be handed over now would only look as if it had failed, and fill the memory.
    for (let round = 0; round < sweepRounds; round += 1) {
      if (!transport.healthy() || this.#redelivery.room < sweepAtMost) return;
      const { holder } = this;
      if ((await sweepOutbox({ db, service, deliver, log, maxAttempts, holder })) < sweepAtMost) return;
    }
    this.#sweeping?.wake();
  }
}
