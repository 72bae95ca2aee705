import type { CartLine } from '../domain/state.ts';

export interface UndecidedOptions {
  /** Who has waited so long goes on: what is decided this late is not worth a wait, and the inventory decides in any case. */
  patienceMs: number;
  /** Nobody waits for so long after somebody's patience has run out: decisions do not come now. */
  noWaitForMs: number;
  /** Most who wait; whoever comes then goes on. */
  maxWaiting: number;
  clock?: () => number;
}

/**
 * The units that requests of this process ask for and that are not decided yet. Of a product with few units left no more are asked for at a
 * time than there are: the others wait until those are decided, and mostly hear then that nothing is left. Without it, all of a crowd of
 * thousands would be on its way to the inventory before the first of them is told, and each refusal would cost as much as a sale.
 */
export class UndecidedUnits {
  readonly #options: Required<UndecidedOptions>;
  readonly #asked = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #isWaking = false;
  #noWaitUntilMs = -Infinity;

  constructor(options: UndecidedOptions) {
    this.#options = { clock: () => performance.now(), ...options };
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * @param left units of each line's product; Infinity where they are not few
   * @param sinceMs when it came
   * @returns to be called once when its units are decided; undefined if it is to wait
   */
  enter(lines: readonly CartLine[], left: readonly number[], sinceMs: number): (() => void) | undefined {
    const scarce = lines.filter((_, at) => left[at]! < Infinity);
    const isRoom = lines.every(({ productId, quantity }, at) => this.#askedOf(productId) + quantity <= left[at]!);
    if (!isRoom && this.#waits(sinceMs)) return undefined;
    for (const { productId, quantity } of scarce) this.#asked.set(productId, this.#askedOf(productId) + quantity);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      for (const line of scarce) this.#decided(line);
      if (scarce.length > 0) this.#wakeSoon();
    };
  }

  /** Resolves when units of some product have been decided, or its patience runs out. @param sinceMs when it came */
  changed(sinceMs: number): Promise<void> {
    const { patienceMs, clock } = this.#options;
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, sinceMs + patienceMs - clock()));
      this.#waiting.add(wake);
    });
  }

  #askedOf(productId: string): number {
    return this.#asked.get(productId) ?? 0;
  }

  #waits(sinceMs: number): boolean {
    const { patienceMs, noWaitForMs, maxWaiting, clock } = this.#options;
    const nowMs = clock();
    if (nowMs - sinceMs >= patienceMs) this.#noWaitUntilMs = nowMs + noWaitForMs;
    return nowMs >= this.#noWaitUntilMs && this.#waiting.size < maxWaiting;
  }

  #decided({ productId, quantity }: CartLine): void {
    const asked = this.#askedOf(productId) - quantity;
    if (asked > 0) this.#asked.set(productId, asked);
    else this.#asked.delete(productId);
  }

  /** All at once, in the order in which they came: a batch is decided in one turn of the event loop. */
  #wakeSoon(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    setImmediate(() => {
      this.#isWaking = false;
      for (const wake of [...this.#waiting]) wake();
    });
  }
}
