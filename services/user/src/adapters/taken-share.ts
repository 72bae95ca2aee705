/** What was promised and taken so long ago counts a third. */
const memoryMs = 10_000;
/** As if so many had come for their turn: a few who do not say little. */
const doubt = 20;
/** However few come, no more are told to come than ten times as many as can be served: all might come after all. */
const least = 0.1;

/** What part of those who are told when to come do come then, of late. */
export class TakenShare {
  #due = 0;
  #taken = 0;
  #atMs = 0;

  /** @param due turns whose time has come and gone @param taken of those, or of others */
  count({ due = 0, taken = 0 }: { due?: number; taken?: number }, atMs: number): void {
    const kept = Math.exp(-Math.max(0, atMs - this.#atMs) / memoryMs);
    this.#atMs = Math.max(this.#atMs, atMs);
    this.#due = this.#due * kept + due;
    this.#taken = this.#taken * kept + taken;
  }

  /** From 0.1 to 1; while there is nothing to tell it from, 1. */
  at(nowMs: number): number {
    this.count({}, nowMs);
    return Math.min(1, Math.max(least, (this.#taken + doubt) / (this.#due + doubt)));
  }
}
