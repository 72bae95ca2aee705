import { FrozenProcesses, frozenAfterMs } from './frozen-processes.ts';
import { limit, rotate } from './log-files.ts';
import { Supervised, type Observer, type Program } from './supervised.ts';
import type { ProcessRegister } from './process-register.ts';
import { reasonOf } from '@flash-sale/shared/reason-of.ts';

const lookForFrozenEveryMs = 500;
const askForReasonsEveryMs = 5_000;

/** The supervised processes of one stack, by name. */
export class ProcessSet {
  readonly #processes = new Map<string, Supervised>();
  readonly #observer: Observer;
  readonly #logLimiter: NodeJS.Timeout;
  readonly #frozenWatch: NodeJS.Timeout;
  readonly #reasonWatch: NodeJS.Timeout;
  readonly #frozen = new FrozenProcesses();
  /** Whoever has been asked for a reason, and has not answered yet. */
  readonly #asking = new Set<string>();
  readonly #killOnExit = () => this.killNow();
  #closed = false;

  constructor(register: ProcessRegister, observer: Pick<Observer, 'say' | 'gaveUp'> & { changed(): void }) {
    // A full disk must not end the launcher, and with it all that runs.
    const noted = (...notes: (() => void)[]) => {
      try {
        for (const note of notes) note();
      } catch (error) {
        observer.say(`what runs could not be written down: ${reasonOf(error)}`);
      }
    };
    this.#observer = {
      say: observer.say,
      gaveUp: observer.gaveUp,
      started: ({ name, stopSignal }, pid) =>
        noted(
          () => register.add(name, pid, stopSignal),
          () => observer.changed(),
        ),
      ended: ({ name }) =>
        noted(
          () => register.remove(name),
          () => observer.changed(),
        ),
    };
    this.#logLimiter = setInterval(() => void limit(this.#logs()).catch(() => undefined), 10_000).unref();
    this.#frozenWatch = setInterval(() => this.#killFrozen(), lookForFrozenEveryMs).unref();
    this.#reasonWatch = setInterval(() => this.#restartWithReason(), askForReasonsEveryMs).unref();
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
    clearInterval(this.#reasonWatch);
    process.off('exit', this.#killOnExit);
  }

  killNow(): void {
    this.#closed = true;
    clearInterval(this.#frozenWatch);
    clearInterval(this.#reasonWatch);
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

  #restartWithReason(): void {
    for (const supervised of this.#processes.values()) {
      const { pid, program } = supervised;
      if (pid === undefined || !program.reasonToRestart || this.#asking.has(program.name)) continue;
      this.#asking.add(program.name);
      const judged = program.reasonToRestart().then((reason) => {
        if (reason === undefined || supervised.pid !== pid) return;
        this.#observer.say(`${program.name} runs, but ${reason}; killing it`);
        supervised.kill('SIGKILL');
      });
      void judged.catch(() => undefined).finally(() => this.#asking.delete(program.name));
    }
  }

  #logs(): string[] {
    return [...this.#processes.values()].map(({ program }) => program.logFile);
  }
}
