const meanOverMs = 500;

/** With what a journey begins; a registration is as a log-in. */
export type Beginning = 'log-in' | 'cart';

/** What a process has to do, whichever of its services has it. */
export class UnderWay {
  #changes = 0;
  #mean = 0;
  #atMs = 0;
  /** Where commands and events wait for their commit, and how long the oldest of them has waited, in ms; 0 where none waits. */
  readonly lanes = new Set<{ waitingMs(nowMs: number): number }>();

  /** With what journeys begin here; known once the routes of all its services are made. */
  readonly begins = new Set<Beginning>();

  /** Public requests that change something and are not answered yet. */
  get changes(): number {
    return this.#changes;
  }

  set changes(changes: number) {
    this.setChanges(changes, performance.now());
  }

  setChanges(changes: number, nowMs: number): void {
    this.#mean = this.mean(nowMs);
    this.#atMs = nowMs;
    this.#changes = changes;
  }

  /**
   * The mean of the changes under way over half a second. A process answers in bursts, whole batches at once, and then reads what has gathered meanwhile: by the
   * number of the moment a crowd would be let in at each burst, though hundreds come back with their next step.
   */
  mean(nowMs: number): number {
    return this.#changes + (this.#mean - this.#changes) * Math.exp((this.#atMs - nowMs) / meanOverMs);
  }
}

/** Of this process. */
export const underWay = new UnderWay();
