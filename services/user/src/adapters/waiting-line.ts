/**
 * The order in which waiting log-ins are served: known devices of the account, addresses without a recent failure, the rest. After
 * a first wrong password an attacker is in the last group, and delays only others there.
 */
export const priorities = ['known', 'fresh', 'doubtful'] as const;
export type Priority = (typeof priorities)[number];

/** Who waits: by priority, and within one by arrival. */
export class WaitingLine<One> {
  readonly #lines: Record<Priority, One[]> = { known: [], fresh: [], doubtful: [] };

  get length(): number {
    return this.aheadOf('doubtful');
  }

  /** How many are served before somebody of this priority who comes now. */
  aheadOf(priority: Priority): number {
    const before = priorities.slice(0, priorities.indexOf(priority) + 1);
    return before.reduce((sum, one) => sum + this.#lines[one].length, 0);
  }

  push(priority: Priority, one: One): void {
    this.#lines[priority].push(one);
  }

  /** Who is to be served next. */
  shift(): One | undefined {
    return priorities
      .map((one) => this.#lines[one])
      .find((line) => line.length > 0)
      ?.shift();
  }

  /** Who would be served last. */
  pop(): One | undefined {
    return priorities
      .map((one) => this.#lines[one])
      .findLast((line) => line.length > 0)
      ?.pop();
  }

  remove(priority: Priority, one: One): void {
    const line = this.#lines[priority];
    line.splice(line.indexOf(one), 1);
  }
}
