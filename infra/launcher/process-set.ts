import { FrozenProcesses, frozenAfterMs } from './frozen-processes.ts';
import { limit, rotate } from './log-files.ts';
import { Supervised, type Observer, type Program } from './supervised.ts';
import type { ProcessRegister } from './process-register.ts';

const lookForFrozenEveryMs = 500;

/** The supervised processes of one stack, by name. */
export class ProcessSet {
  readonly #processes = new Map<string, Supervised>();
  readonly #observer: Observer;
  readonly #logLimiter: NodeJS.Timeout;
  readonly #frozenWatch: NodeJS.Timeout;
  readonly #frozen = new FrozenProcesses();
  readonly #killOnExit = () => this.killNow();
  #closed = false;

  constructor(register: ProcessRegister, observer: Pick<Observer, 'say' | 'gaveUp'> & { changed(): void }) {
    this.#observer = {
      say: observer.say,
      gaveUp: observer.gaveUp,
      started: ({ name, stopSignal }, pid) => {
        register.add(name, pid, stopSignal);
        observer.changed();
      },
      ended: ({ name }) => {
        register.remove(name);
        observer.changed();
      },
    };
    this.#logLimiter = setInterval(() => void limit(this.#logs()).catch(() => undefined), 10_000).unref();
    this.#frozenWatch = setInterval(() => this.#killFrozen(), lookForFrozenEveryMs).unref();
    // However this process ends, as long as it can still say so.
    process.once('exit', this.#killOnExit);
  }

  /** Starts a program with a new log; resolves when it is ready. */
  async start(program: Program): Promise<Supervised> {
    if (this.#closed) throw new Error('The stack is stopping.');
    rotate(program.logFile);
    const supervised = new Supervised(program, this.#observer);
    this.#processes.set(program.name, supervised);
    await supervised.start();
    return supervised;
  }

  get(name: string): Supervised {
    const found = this.#processes.get(name);
    if (!found) throw new Error(`no process is named ${name}; there are: ${[...this.#processes.keys()].join(', ')}`);
    return found;
  }

  pidOf(name: string): number | undefined {
    return this.#processes.get(name)?.pid;
  }

  /** One group after the other, each at once; names that do not run are skipped. No more starts after this. */
  async stopInOrder(groups: string[][]): Promise<void> {
    this.#closed = true;
    clearInterval(this.#logLimiter);
    for (const group of groups) await Promise.all(group.map(async (name) => this.#processes.get(name)?.stop()));
    clearInterval(this.#frozenWatch);
    process.off('exit', this.#killOnExit);
  }

  killNow(): void {
    this.#closed = true;
    clearInterval(this.#frozenWatch);
    for (const process of this.#processes.values()) process.killNow();
  }

  /** A process that hangs takes requests and messages and keeps them; once it is dead they go elsewhere. */
  #killFrozen(): void {
    const running = [...this.#processes].flatMap(([name, { pid }]) => (pid === undefined ? [] : { name, pid }));
    for (const { name, pid } of this.#frozen.look(running)) {
      this.#observer.say(`${name} (pid ${pid}) has been stopped for ${frozenAfterMs / 1_000} s: killing it`);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
  }

  #logs(): string[] {
    return [...this.#processes.values()].map(({ program }) => program.logFile);
  }
}
