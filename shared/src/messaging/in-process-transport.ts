import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { Logger } from '../log.ts';
import { readEvents } from './read-events.ts';
import type { Intake, OutboxRecord, Receipt } from './transport.ts';
import { handlesNothing, type Hop } from './walker.ts';

/** The services of one process, by which they reach each other: at most one instance of each, for as long as it takes events. */
export class Neighbours {
  /** What their walkers are at. */
  readonly walks = new Set<Promise<void>>();
  readonly #intakes = new Map<ServiceName, Intake>();

  /** @throws when there is one of that service already */
  join(intake: Intake): void {
    if (this.#intakes.has(intake.service)) throw new Error(`${intake.service} runs in this process already`);
    this.#intakes.set(intake.service, intake);
  }

  leave({ service }: Intake): void {
    this.#intakes.delete(service);
  }

  find(service: ServiceName): Intake | undefined {
    return this.#intakes.get(service);
  }
}

/**
 * Hops within the process: the other service's intake is called with a whole batch. No time bounds it but those of that service's
 * lane, for nothing that lies between can be silent.
 */
export class InProcessHop implements Hop {
  readonly #neighbours: Neighbours;
  readonly #log: Logger;
  #intake: Intake | undefined;

  constructor(neighbours: Neighbours, log: Logger) {
    this.#neighbours = neighbours;
    this.#log = log;
  }

  /** Of its own service, once it is open. */
  get intake(): Intake | undefined {
    return this.#intake;
  }

  open(intake: Intake): void {
    this.#neighbours.join(intake);
    this.#intake = intake;
  }

  /**
   * The service gets a copy of its own, as it would over a wire: a handler may do to it what it likes, and what is tried again
   * from memory is as it was. It is read as from a wire, too: what a sweep has found may be of another release. What follows is handed over and not copied: its owner keeps nothing of it in memory.
   */
  async bring(service: ServiceName, events: DomainEvent[]): Promise<Receipt> {
    const intake = this.#neighbours.find(service);
    if (!intake) throw new Error(`${service} does not take events in this process now`);
    const { events: copies, unreadable } = readEvents(events, this.#log);
    const { failures, records } = await intake.receive(copies, 'return');
    if (handlesNothing(copies, failures)) throw new Error(`${service} can handle none of the events now`);
    return { failures: [...failures, ...unreadable], records };
  }

  acknowledge({ owner, id }: OutboxRecord): void {
    this.#neighbours.find(owner)?.acknowledge([id]);
  }

  /** What others have brought meanwhile is in our lane, which is drained after us. */
  close(): Promise<void> {
    if (this.#intake) this.#neighbours.leave(this.#intake);
    this.#intake = undefined;
    return Promise.resolve();
  }
}
