import { logIn, type Target } from './load.ts';

/** Less than the services remember a password: the load after a log-in is to find it, too. */
const remembersMs = 240_000;

/** Log-ins of so many shoppers, kept fresh on each shop: a load is to measure the shop, and not argon2id. */
export class LogIns {
  readonly #shoppers: number;
  readonly #say: (line: string) => void;
  /** By address; a shop that was started anew has another, or is forgotten. */
  readonly #loggedInAtMs = new Map<string, number>();

  constructor(shoppers: number, say: (line: string) => void) {
    this.#shoppers = shoppers;
    this.#say = say;
  }

  /** Logs in where the services have not seen these shoppers yet, or may soon have forgotten them. */
  async refresh(target: Target): Promise<void> {
    if (Date.now() - (this.#loggedInAtMs.get(target.url) ?? -Infinity) < remembersMs) return;
    this.#say(`${this.#shoppers} shoppers log in`);
    await logIn(target, this.#shoppers);
    this.#loggedInAtMs.set(target.url, Date.now());
  }

  /** Of a shop that was started just now, and remembers nobody. */
  forget(target: Target): void {
    this.#loggedInAtMs.delete(target.url);
  }
}
