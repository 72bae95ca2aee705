import type { Kysely } from 'kysely';
import type { Logger } from '../log.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { giveBackRows, markFailing, sweepAtMost, sweepOutbox, type MessagingTables } from './housekeeping.ts';
import { periodically } from './periodic.ts';
import { ProcessLease } from './process-lease.ts';
import { Redelivery } from './redelivery.ts';
import { throttled } from './throttled.ts';
import type { Intake, NotDelivered, OutboxRecord, Transport } from './transport.ts';

/** After an outage much is found, and should not wait for many turns. */
const sweepRounds = 50;
/** A connection that comes and goes must not have everything that is held sent again each time. */
const retryEveryMs = 250;

export interface OutboxOptions {
  db: Kysely<MessagingTables>;
  service: ServiceName;
  instance: string;
  transport: Pick<Transport, 'deliver' | 'healthy'>;
  log: Logger;
  leaseMs: number;
  sweepEveryMs: number;
  maxAttempts: number;
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
  #sweeping: ReturnType<typeof periodically> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { db, transport, maxAttempts } = options;
    this.#lease = new ProcessLease({ ...options, onReleased: () => this.#sweeping?.wake() });
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
      receive: (events, carryOn) => lane.receive(events, carryOn),
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

  /** To be called before the first record is made. Never rejects. */
  begin(): Promise<void> {
    return this.#lease.begin();
  }

  /** To be called when the transport can deliver: what a predecessor has left is taken up now. */
  sweep(): void {
    const { sweepEveryMs, log } = this.#options;
    const task = () => this.#sweep();
    this.#sweeping = periodically({ name: 'outbox-sweep', everyMs: sweepEveryMs, log, task, atOnce: true });
  }

  /** Starts no more deliveries. What is held is for the others as soon as the lease has ended. */
  async stopDelivering(): Promise<void> {
    await this.#sweeping?.stop();
    this.#redelivery.stop();
  }

  /** To be called when nothing is under way any more. */
  async end(): Promise<void> {
    await this.stopDelivering();
    await this.#lease.end();
  }

  async #sweep(): Promise<void> {
    const { db, service, transport, log, maxAttempts } = this.#options;
    const deliver = (records: OutboxRecord[]) => transport.deliver(records);
    // What cannot be handed over now would only look as if it had failed, and fill the memory.
    for (let round = 0; round < sweepRounds && transport.healthy(); round += 1) {
      if (this.#redelivery.room < sweepAtMost) return;
      const { holder } = this;
      if ((await sweepOutbox({ db, service, deliver, log, maxAttempts, holder })) < sweepAtMost) return;
    }
  }
}
