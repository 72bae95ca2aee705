import {
  clientOf,
  counted,
  networkOf,
  RateLimit,
  type Consumed,
  type RateLimitOptions,
  type Reservation,
} from './rate-limit.ts';

export interface AddressLimitOptions extends RateLimitOptions {
  /** As so many addresses counts a /48 network of IPv6 as a whole, however many there are in it. */
  addressesPerNetwork: number;
}

/**
 * A limit on what comes from one address. Whoever has IPv6 has a whole network, up to a /48, and so 65,536 clients by our count:
 * together they get what a few addresses get. The network is asked after the client: what a client is refused for itself does
 * not stand against its neighbours.
 */
export class AddressLimit {
  readonly #client: RateLimit;
  readonly #network: RateLimit;

  constructor({ addressesPerNetwork, ...options }: AddressLimitOptions) {
    this.#client = new RateLimit(options);
    this.#network = new RateLimit({
      ...options,
      name: `${options.name}-network`,
      points: options.points * addressesPerNetwork,
    });
  }

  /**
   * Uses a point of the address and of its network before work, and gives them back when that comes to no outcome.
   * @throws AppError too-many-requests, and whatever the work throws
   */
  async around<T>(address: string | undefined, work: () => Promise<T>): Promise<T> {
    return counted(await this.#consume(address), work);
  }

  /** What is refused for one of the two does not count for the other. */
  async #consume(address: string | undefined): Promise<Consumed> {
    const network = networkOf(address);
    const own = await this.#client.consume(clientOf(address));
    if (network === undefined) return own;
    try {
      const shared = await this.#network.consume(network);
      return { refund: () => [own, shared].forEach((one) => one.refund()) };
    } catch (error) {
      own.refund();
      throw error;
    }
  }

  /**
   * A point for the address if there is one right now.
   * @param of what each address is counted for apart, such as an account
   * @throws AppError too-many-requests when all are used
   */
  reserveNow(address: string | undefined, of: string): Promise<Reservation | undefined> {
    return this.#both(address, of, (limit, key) => limit.reserveNow(key));
  }

  /** Waits while all points that are not used are reserved. @throws AppError too-many-requests, overloaded */
  reserve(address: string | undefined, of: string): Promise<Reservation> {
    return this.#both(address, of, (limit, key) => limit.reserve(key));
  }

  async #both<Taken extends Reservation | undefined>(
    address: string | undefined,
    of: string,
    take: (limit: RateLimit, key: string) => Promise<Taken>,
  ): Promise<Taken | Reservation> {
    const network = networkOf(address);
    const own = await take(this.#client, `${of}:${clientOf(address)}`);
    if (own === undefined || network === undefined) return own;
    let shared: Taken | undefined;
    try {
      shared = await take(this.#network, `${of}:${network}`);
      return shared === undefined ? shared : together(own, shared);
    } finally {
      if (shared === undefined) own.release();
    }
  }
}

const together = (...reservations: Reservation[]): Reservation => ({
  use: () => reservations.forEach((one) => one.use()),
  release: () => reservations.forEach((one) => one.release()),
});
