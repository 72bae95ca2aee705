import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync, closeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { findRunningStack } from './running-stack.ts';
import { writeWhole } from './whole-file.ts';

interface Entry extends ProcessIdentity {
  name: string;
  stopSignal: NodeJS.Signals;
}

/** A stack runs on this data folder already. */
export class AlreadyRunning extends Error {}

/**
 * The processes of one data folder, on disk: one launcher at a time may use it, and what a killed one has left running
 * is found again by pid and time of start, never by name.
 */
export class ProcessRegister {
  readonly #folder: string;
  readonly #entries = new Map<string, Entry>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes the folder for this process, and stops what an earlier one left behind. Throws AlreadyRunning. */
  static async claim(folder: string, say: (line: string) => void): Promise<ProcessRegister> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const wasKilled = takeLock(join(folder, 'launcher.json'));
    const register = new ProcessRegister(folder);
    const leftovers = (readJson<Entry[]>(register.#file) ?? []).filter(isAlive);
    if (leftovers.length > 0) {
      say(`stopping what an earlier run left behind: ${leftovers.map((entry) => entry.name).join(', ')}`);
      await Promise.all(leftovers.map(stopLeftover));
    } else if (wasKilled) say('an earlier run was killed; nothing that it had started runs any more');
    register.#save();
    return register;
  }

  add(name: string, pid: number, stopSignal: NodeJS.Signals): void {
    const identity = identityOf(pid);
    if (!identity) return;
    this.#entries.set(name, { name, stopSignal, ...identity });
    this.#save();
  }

  remove(name: string): void {
    if (this.#entries.delete(name)) this.#save();
  }

  /** Leaves the folder to the next one. */
  release(): void {
    rmSync(this.#file, { force: true });
    rmSync(join(this.#folder, 'launcher.json'), { force: true });
  }

  get #file(): string {
    return join(this.#folder, 'processes.json');
  }

  #save(): void {
    writeWhole(this.#file, [...this.#entries.values()], 0o600);
  }
}

/** @returns whether one had it that is gone without having given it back. @throws AlreadyRunning */
function takeLock(file: string): boolean {
  let wasLeft = false;
  const me = identityOf(process.pid);
  for (let tries = 0; tries < 2; tries++) {
    try {
      const fd = openSync(file, 'wx', 0o600);
      writeFileSync(fd, JSON.stringify(me));
      closeSync(fd);
      return wasLeft;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readJson<ProcessIdentity>(file);
    if (holder && isAlive(holder)) throw alreadyRunning(holder.pid, dirname(dirname(file)));
    rmSync(file, { force: true });
    wasLeft = true;
  }
  throw new AlreadyRunning('Another start is under way.');
}

function alreadyRunning(pid: number, dataDir: string): AlreadyRunning {
  return new AlreadyRunning(
    [
      `${whatRuns(dataDir)} (pid ${pid}), with its data in ${dataDir}. Nothing was started.`,
      `Stop that one (Ctrl-C where it runs, or: kill ${pid}), or start another beside it on data of its own:`,
      '  FLASH_SALE_DATA_DIR=/another/folder npm start -- --port 8081',
    ].join('\n'),
  );
}

function whatRuns(dataDir: string): string {
  try {
    const { stack, url } = findRunningStack(dataDir);
    return `The ${stack} stack runs already at ${url}`;
  } catch {
    return 'A stack is being started already';
  }
}

async function stopLeftover(entry: Entry): Promise<void> {
  signal(entry, entry.stopSignal);
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 50) {
    if (!isAlive(entry)) return;
    await sleep(50);
  }
  signal(entry, 'SIGKILL');
}

/** To its whole group, which we made for it. */
function signal(entry: Entry, name: NodeJS.Signals): void {
  try {
    process.kill(-entry.pid, name);
  } catch {
    // It has just ended.
  }
}

function readJson<Content>(file: string): Content | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Content;
  } catch {
    return undefined;
  }
}
