/** Lets in work of so much weight at a time; more waits, in the order of its arrival. What weighs more than all that may goes in alone. */
export class WeightedSemaphore {
  readonly #maxWeight: number;
  #weight = 0;
  readonly #waiting: { weight: number; enter: () => void }[] = [];

  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  /** Resolves when the work may begin. It is to be released by the same weight. */
  acquire(weight: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ weight, enter });
      this.#admit();
    });
  }

  release(weight: number): void {
    this.#weight -= weight;
    this.#admit();
  }

  #admit(): void {
    for (let next; (next = this.#waiting[0]);) {
      if (this.#weight > 0 && this.#weight + next.weight > this.#maxWeight) return;
      this.#waiting.shift();
      this.#weight += next.weight;
      next.enter();
    }
  }
}
