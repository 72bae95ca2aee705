import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { unusableConfigurationCode } from '@flash-sale/shared/config.ts';
import { afterAnEnd, type History } from './backoff.ts';
import { openLog, tailOf } from './log-files.ts';
import { withDeathSignal } from './death-signal.ts';
import { killGroup } from './run-command.ts';
import type { RunAs } from './unprivileged.ts';

/**
 * How long a program may take to come up. What cannot come up ends by itself or says so; this is for what hangs, and longer
 * than any of them needs for its work after a crash, on a machine that is busy with other starts.
 */
const readyWithinMs = 120_000;

/** A process to keep running: what to run, when it is ready, and how it wants to be stopped. */
export interface Program {
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  runAs?: RunAs | undefined;
  /** Its standard input: a text followed by its end, or a pipe which stays open for as long as we live. */
  input: { text: string } | 'open-pipe' | 'none';
  logFile: string;
  stopSignal: NodeJS.Signals;
  /** Instead of `stopSignal` until it is ready, for a server that may miss that while it starts. */
  breakOffSignal?: NodeJS.Signals;
  stopWithinMs: number;
  /** What it gets from the kernel when we die (Linux only). */
  deathSignal: NodeJS.Signals;
  /** Asked again and again. Throws if waiting longer makes no sense. */
  isReady(): Promise<boolean>;
  /** Asked every few seconds while it runs: why it has to be started again although it does, if that is so. */
  reasonToRestart?: () => Promise<string | undefined>;
  /** Should it not come up, the others go on without it. */
  optional?: true;
}

/** Whoever has to know what becomes of the process. */
export interface Observer {
  say(line: string): void;
  started(program: Program, pid: number): void;
  ended(program: Program): void;
  /** It will not be started again. */
  gaveUp(program: Program, error: Error): void;
}

/** It did not come up; the message holds the end of its log. */
export class StartFailed extends Error {}

/** Keeps one program running: restarts it, at growing intervals, whenever it ends without having been told to. */
export class Supervised {
  readonly program: Program;
  readonly #observer: Observer;
  #child: ChildProcess | undefined;
  #wanted = false;
  #history: History = { failures: 0, everReady: false };
  #startedAt = 0;
  #restart: NodeJS.Timeout | undefined;
  #failure: Error | undefined;

  constructor(program: Program, observer: Observer) {
    this.program = program;
    this.#observer = observer;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it is ready, if need be after some restarts; rejects with StartFailed, and then it does not run. */
  async start(): Promise<void> {
    if (this.#wanted) throw new Error(`${this.program.name} runs already`);
    this.#wanted = true;
    this.#failure = undefined;
    this.#history = { failures: 0, everReady: false };
    this.#spawn();
    const deadline = Date.now() + readyWithinMs;
    try {
      while (!(await this.#checkReady())) {
        this.#throwIfOver();
        if (Date.now() > deadline) throw this.#startFailed(`was not ready within ${readyWithinMs / 1000} s`);
        await sleep(50);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Tells it to stop, and makes it stop when its time is up. It may be started again afterwards. */
  async stop(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (!child) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const { stopSignal, breakOffSignal = stopSignal } = this.program;
    child.kill(this.#history.everReady ? stopSignal : breakOffSignal);
    const inTime = await Promise.race([
      ended.then(() => true),
      sleep(this.program.stopWithinMs, false, { ref: false }),
    ]);
    if (!inTime) {
      this.#observer.say(`${this.program.name} did not stop within ${this.program.stopWithinMs / 1000} s: killing it`);
      killGroup(child.pid);
      await ended;
    }
  }

  /** For fault tests, and for a second Ctrl-C: what it does to the process is up to the signal. */
  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** At once, with everything it has started, and without waiting. */
  killNow(): void {
    this.#wanted = false;
    clearTimeout(this.#restart);
    killGroup(this.#child?.pid);
  }

  #spawn(): void {
    const { program } = this;
    const log = openLog(program.logFile);
    const [command, args] = withDeathSignal(program.deathSignal, program.command, program.args);
    // In a group of its own: Ctrl-C in the terminal reaches only the launcher, which stops things in order.
    const child = spawn(command, args, {
      cwd: program.cwd,
      env: program.env,
      stdio: [program.input === 'none' ? 'ignore' : 'pipe', log, log],
      detached: true,
      ...(program.runAs ? { uid: program.runAs.uid, gid: program.runAs.gid } : {}),
    });
    closeSync(log);
    child.stdin?.on('error', () => undefined);
    if (typeof program.input === 'object') child.stdin?.end(program.input.text);
    this.#child = child;
    this.#startedAt = Date.now();
    let over = false;
    const onEnd = (how: string, code?: number) => {
      if (over) return;
      over = true;
      this.#onEnd(child, how, code);
    };
    child.once('exit', (code, signal) => onEnd(signal ?? `code ${code}`, code ?? undefined));
    child.once('error', (error) => {
      if (child.pid === undefined) onEnd(error.message);
    });
    if (child.pid !== undefined) this.#observer.started(program, child.pid);
  }

  #onEnd(child: ChildProcess, how: string, code: number | undefined): void {
    // What a killed server leaves behind, such as nginx's workers, would keep its port.
    killGroup(child.pid);
    this.#child = undefined;
    this.#observer.ended(this.program);
    if (!this.#wanted) return;
    const verdict = afterAnEnd(this.#history, Date.now() - this.#startedAt, code);
    if (verdict.kind === 'give-up') {
      this.#wanted = false;
      const times = this.#history.failures + 1;
      this.#failure = this.#startFailed(
        code === unusableConfigurationCode
          ? `ended (${how}): its configuration is not usable`
          : `ended (${how}) ${times} times before it was ready`,
      );
      this.#observer.gaveUp(this.program, this.#failure);
      return;
    }
    this.#history = verdict.history;
    this.#observer.say(`${this.program.name} ended (${how}); starting it again in ${verdict.afterMs} ms`);
    this.#restart = setTimeout(() => this.#wanted && this.#spawn(), verdict.afterMs);
  }

  async #checkReady(): Promise<boolean> {
    const child = this.#child;
    if (!child || !(await this.program.isReady())) return false;
    // Somebody else may have answered on its port.
    if (child !== this.#child) return false;
    this.#history = { ...this.#history, everReady: true };
    return true;
  }

  #throwIfOver(): void {
    if (this.#failure) throw this.#failure;
    if (!this.#wanted) throw new StartFailed(`${this.program.name} was stopped before it was ready`);
  }

  #startFailed(what: string): StartFailed {
    const tail = tailOf(this.program.logFile);
    return new StartFailed(`${this.program.name} ${what}. The end of ${this.program.logFile}:\n${tail || '(empty)'}`);
  }
}
