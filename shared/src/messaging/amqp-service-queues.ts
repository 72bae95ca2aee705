import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { QueueState } from './amqp-channel.ts';
import { batchQueueOf, subscribingServices } from './amqp-topology.ts';
import { BatchSizes } from './batch-sizes.ts';

/** After so long who publishes looks again who takes batches, unless somebody has asked for the backlog meanwhile. */
const lookAgainAfterMs = 5_000;

/**
 * Of a service first the queue for batches, so that a process of ours that stops meanwhile is not taken for one of the release before. One
 * that starts meanwhile may be: it gets single events until the next look.
 */
const askedQueues = subscribingServices.flatMap((service) => [batchQueueOf(service), service]);

interface Broker {
  /** How each of these queues stands; without those of which it is not known. May reject. */
  statesOf(queues: readonly string[]): Promise<Partial<Record<string, QueueState>>>;
}

/** What is seen of all services by their queues: how much waits for each, and which of them take batches. */
export class ServiceQueues {
  readonly #broker: Broker;
  readonly #takesBatches = new Map<ServiceName, boolean>();
  readonly #batchSizes = new BatchSizes();
  #lookedAtMs = -Infinity;
  #looking: Promise<Partial<Record<string, QueueState>>> | undefined;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Whether somebody takes the batches of a service; false until it has been seen. */
  takesBatches(service: ServiceName): boolean {
    return this.#takesBatches.get(service) ?? false;
  }

  /** To be called with each batch for a service that goes out or comes in: the broker counts batches, and not what is in them. */
  noteBatch(service: ServiceName, events: number): void {
    this.#batchSizes.note(service, events);
  }

  /** About how many events wait for each service; without those of which it is not known. May reject. */
  async backlog(): Promise<Partial<Record<ServiceName, number>>> {
    const states = await this.look();
    const counts = subscribingServices.map((service) => {
      const [single, batches] = [states[service]?.messages, states[batchQueueOf(service)]?.messages];
      if (single === undefined || batches === undefined) return [];
      return [[service, single + this.#batchSizes.eventsIn(batches, service)]];
    });
    return Object.fromEntries(counts.flat()) as Partial<Record<ServiceName, number>>;
  }

  /** Looks, without being waited for, if it has not been done lately. */
  lookIfDue(): void {
    // Without a connection it rejects, and is asked again with the next.
    if (performance.now() - this.#lookedAtMs > lookAgainAfterMs) this.look().catch(() => {});
  }

  /**
   * How the queues of all services stand, and with that who takes batches: everybody, but for a service of which only processes of the
   * release before listen. While nobody does, as when the broker has just been started, and while it is not known of one of its
   * queues, it stays as it was. Who asks while a look is under way gets what that finds: a broker that is slow to answer may take longer
   * than it is until the next one is due. May reject.
   */
  look(): Promise<Partial<Record<string, QueueState>>> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<Partial<Record<string, QueueState>>> {
    this.#lookedAtMs = performance.now();
    const states = await this.#broker.statesOf(askedQueues);
    for (const service of subscribingServices) {
      const [single, batches] = [states[service]?.consumers, states[batchQueueOf(service)]?.consumers];
      if (single === undefined || batches === undefined) continue;
      const asBefore = this.#takesBatches.get(service) ?? true;
      this.#takesBatches.set(service, single + batches === 0 ? asBefore : batches > 0);
    }
    return states;
  }
}
