import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import { subscribersOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { Intake, OutboxRecord, Transport } from '../messaging/transport.ts';

/** One arrival of a message: when, and at which instance of the service; 2 is the first of two again. */
export interface Arrival {
  afterMs: number;
  instance: number;
}

/**
 * When and where a message arrives, the copy that counts first; the others nobody waits for. None at all: it is lost.
 * @param chance answers another number from 0 to 1 at each call
 */
export type Fate = (chance: () => number) => Arrival[];

/** Twice at once, and each time at another instance. */
export const twiceAtOnce: Fate = () => [
  { afterMs: 0, instance: 0 },
  { afterMs: 0, instance: 1 },
];

/** As soon as it is sent, and once more when everybody has gone on. */
export const againAfter =
  (afterMs: number): Fate =>
  (chance) => {
    const instance = Math.floor(chance() * 2);
    return [
      { afterMs: 0, instance },
      { afterMs, instance: instance + 1 },
    ];
  };

/** Sometime within a window, so that whatever is sent within one arrives in any order; some twice, and some not at all. */
export const anyOrderWithin =
  (windowMs: number): Fate =>
  (chance) => {
    const arrival = () => ({ afterMs: chance() * windowMs, instance: Math.floor(chance() * 2) });
    const dice = chance();
    if (dice < 0.1) return [];
    return dice < 0.3 ? [arrival(), arrival()] : [arrival()];
  };

/**
 * A network that promises what a transport must, and nothing better: each message arrives at least once. One that was
 * lost arrives when its owner sends it again. Fates follow from the seed, the type of a message, its receiver, and how
 * many of its kind went there before, so a seed that has found something finds it again, as far as the services do the
 * same again.
 */
export class UnreliableNetwork {
  readonly #fate: Fate;
  readonly #seed: number;
  readonly #intakes = new Map<ServiceName, Intake[]>();
  readonly #sent = new Map<string, number>();
  readonly #latest = new Map<ServiceName, number>();
  readonly #sentBefore = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  /** What has happened to messages so far; `overtaken`: arrived after one that was sent to the same service later. */
  readonly counts = { sent: 0, lost: 0, repeated: 0, overtaken: 0 };

  constructor(options: { fate: Fate; seed: number }) {
    this.#fate = options.fate;
    this.#seed = options.seed;
  }

  /** For one instance of a service; as with a broker, whoever delivers does not wait for what follows. */
  transport(): Transport {
    let own: Intake | undefined;
    return {
      start: (intake) => {
        own = intake;
        this.#intakes.set(intake.service, [...this.#intakesOf(intake.service), intake]);
        return Promise.resolve();
      },
      deliver: async (records) => {
        await Promise.all(records.map((record) => this.#carry(record, own!)));
      },
      healthy: () => true,
      stop: async () => {
        await this.settled();
        if (own)
          this.#intakes.set(
            own.service,
            this.#intakesOf(own.service).filter((intake) => intake !== own),
          );
      },
    };
  }

  /** Resolves when nothing is on its way any more, late copies included. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async #carry(record: OutboxRecord, sender: Intake): Promise<void> {
    const { id, owner, events } = record;
    const sent = events.flatMap((event) => subscribersOf(event.type).map((service) => this.#send(event, service)));
    const handled = await Promise.all(sent);
    if (handled.every(Boolean)) this.#intakesOf(owner)[0]?.acknowledge([id]);
    else sender.notDelivered(record, 'unreachable');
  }

  /** @returns whether the copy that counts was handled */
  async #send(event: DomainEvent, service: ServiceName): Promise<boolean> {
    const number = (this.counts.sent += 1);
    const [arrival, ...copies] = this.#fateOf(event, service);
    if (!arrival) {
      this.counts.lost += 1;
      return false;
    }
    this.counts.repeated += copies.length;
    const [handled] = [arrival, ...copies].map((one) => this.#arrive(event, service, number, one));
    return handled!;
  }

  #arrive(event: DomainEvent, service: ServiceName, number: number, { afterMs, instance }: Arrival): Promise<boolean> {
    const arrived = sleep(afterMs).then(async () => {
      const latest = this.#latest.get(service) ?? 0;
      if (number < latest) this.counts.overtaken += 1;
      else this.#latest.set(service, number);
      const intakes = this.#intakesOf(service);
      const receipt = await intakes[instance % intakes.length]?.receive([structuredClone(event)], 'deliver');
      return receipt?.failures.length === 0;
    });
    const underWay = arrived.finally(() => this.#underWay.delete(underWay));
    this.#underWay.add(underWay);
    return arrived;
  }

  #fateOf({ id, type }: DomainEvent, service: ServiceName): Arrival[] {
    const kind = `${type} to ${service}`;
    const count = (this.#sent.get(kind) ?? 0) + 1;
    this.#sent.set(kind, count);
    const fate = this.#fate(chances(`${this.#seed}: ${kind}, ${count}`));
    const key = `${id} to ${service}`;
    const isSentAgain = this.#sentBefore.has(key);
    this.#sentBefore.add(key);
    if (fate.length > 0 || !isSentAgain) return fate;
    // Only the first time: a record is sent again as a whole, and of the many in it one or another would be lost each time.
    return [{ afterMs: 0, instance: 0 }];
  }

  #intakesOf(service: ServiceName): Intake[] {
    return this.#intakes.get(service) ?? [];
  }
}

/** Numbers from 0 to 1 that look like chance and are the same for the same seed. */
function chances(seed: string): () => number {
  const digest = createHash('sha256').update(seed).digest();
  let next = 0;
  return () => digest.readUInt32LE((next++ % 8) * 4) / 2 ** 32;
}
