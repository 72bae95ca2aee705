import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { AppError } from '@flash-sale/contract/errors.ts';
import type { Logger } from '@flash-sale/shared/log.ts';
import { z } from 'zod';
import { argon2id, type Derivation } from './argon2.ts';
import type { HashReply, HashRequest } from './hash-worker.ts';
import { ended, OwedHash } from './owed-hash.ts';

export interface HashProcessOptions {
  /** How many it computes at once. */
  concurrency: number;
  log: Logger;
  /** Ends it when nobody has asked for so long: it has some 40 MB. */
  restAfterMs?: number;
  /**
   * What it owes for so long is computed by a thread of this process. It may be computed twice then, but who needs so long for it gets
   * less than a hundredth of a processor.
   */
  overdueMs?: number;
  /** Kills it when it says nothing for so long though it owes an answer: it may be frozen. */
  silentMaxMs?: number;
  /** How long nothing is tried after a start that failed, or was for nothing. */
  startAgainAfterMs?: number;
  /** The program; another one in tests. */
  program?: string;
}

interface Child {
  process: ChildProcess;
  isReady: boolean;
  /** Whether it has ever computed anything. */
  isProven: boolean;
  /** The end of what it complained of. */
  reason: string;
}

/** One that was with a process that ended may be why it ended. */
const maxSent = 2;
const maxReason = 500;

const replySchema: z.ZodType<HashReply> = z.union([
  z.strictObject({ ready: z.literal(true) }),
  z.strictObject({ id: z.number(), hash: z.instanceof(Uint8Array) }),
  z.strictObject({ id: z.number(), error: z.string() }),
]);

/**
 * Computes argon2id in a process of its own, which runs at a lower priority than the service (hash-worker.ts). It starts when
 * somebody asks, and ends when nobody has asked for a while. When it dies, a new one is given what it owed. Where none can be started,
 * as by a service that may not read its own code any more, or one ends before it has computed anything, threads of this process compute.
 */
export class HashProcess {
  readonly #options: Required<HashProcessOptions>;
  readonly #owed = new Map<number, OwedHash>();
  #child: Child | undefined;
  #nextId = 1;
  #startNotBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: HashProcessOptions) {
    this.#options = {
      restAfterMs: 30_000,
      overdueMs: 3_000,
      silentMaxMs: 10_000,
      startAgainAfterMs: 60_000,
      program: join(import.meta.dirname, 'hash-worker.ts'),
      ...options,
    };
  }

  /** While it runs. */
  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  /** @throws AppError unavailable when it died twice over this, and when it is closed */
  derive(of: Derivation): Promise<Uint8Array> {
    if (this.#closed) return Promise.reject(ended());
    if (!this.#child && performance.now() < this.#startNotBefore) return argon2id.derive(of);
    const id = this.#nextId++;
    const owed = new OwedHash(of, this.#options.overdueMs);
    this.#owed.set(id, owed);
    if (this.#child) {
      if (this.#child.isReady) this.#send(id, owed);
      if (this.#owed.size === 1) this.#watch();
    } else this.#start();
    return owed.hash;
  }

  /** Kills it: it has nothing to lose. Who still waits is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const child = this.#child?.process;
    this.#child = undefined;
    for (const owed of this.#owed.values()) owed.reject(ended());
    this.#owed.clear();
    if (child?.pid === undefined) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  #start(): void {
    const { program, concurrency } = this.#options;
    try {
      const started = fork(program, [], {
        execArgv: ['--disable-warning=ExperimentalWarning', '--max-old-space-size=32', '--max-semi-space-size=1'],
        // Nothing of ours: no secret, and no option of Node.
        env: { UV_THREADPOOL_SIZE: String(concurrency) },
        // A session of its own, so that no Ctrl-C in a terminal comes to it; see also giveWayAsSession.
        detached: true,
        cwd: '/',
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      const child: Child = (this.#child = { process: started, isReady: false, isProven: false, reason: '' });
      started.stderr?.on('data', (data: Buffer) => (child.reason = `${child.reason}${String(data)}`.slice(-maxReason)));
      started.on('message', (message) => this.#onMessage(child, message));
      started.once('error', (error) => this.#onEnd(child, error.message));
      started.once('exit', (code, signal) => this.#onEnd(child, `${signal ?? `code ${code}`} ${child.reason}`.trim()));
      (started.stderr as { unref?: () => void } | null)?.unref?.();
      this.#watch();
    } catch (error) {
      this.#computeHere(String(error));
    }
  }

  #send(id: number, owed: OwedHash): void {
    owed.sent += 1;
    // An error here is the end of the process, of which `exit` tells.
    this.#child?.process.send({ id, of: owed.of } satisfies HashRequest, () => {});
  }

  #onMessage(child: Child, message: unknown): void {
    if (child !== this.#child) return;
    const { data: reply } = replySchema.safeParse(message);
    if (!reply) return void child.process.kill('SIGKILL');
    if ('ready' in reply) {
      child.isReady = true;
      this.#forgetOverdue();
      for (const [id, owed] of this.#owed) this.#send(id, owed);
    } else {
      const owed = this.#owed.get(reply.id);
      this.#owed.delete(reply.id);
      if ('hash' in reply) {
        child.isProven = true;
        owed?.resolve(reply.hash);
      } else owed?.reject(new AppError('internal', 'The password could not be hashed.', { cause: reply.error }));
    }
    this.#watch();
  }

  /** It speaks again in time, or is killed. With nothing to do it keeps nobody from ending, and is ended itself. */
  #watch(): void {
    const { silentMaxMs, restAfterMs } = this.#options;
    const child = this.#child?.process;
    const owes = this.#owed.size > 0;
    clearTimeout(this.#timer);
    this.#timer = owes
      ? setTimeout(() => child?.kill('SIGKILL'), silentMaxMs).unref()
      : setTimeout(() => this.#rest(), restAfterMs).unref();
    for (const kept of [child, child?.channel]) {
      if (owes) kept?.ref();
      else kept?.unref();
    }
  }

  #rest(): void {
    const child = this.#child?.process;
    this.#child = undefined;
    child?.kill('SIGKILL');
  }

  #onEnd(child: Child, reason: string): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    child.process.kill('SIGKILL'); // after an error it may still run
    this.#forgetOverdue();
    const waiting = this.#owed.size;
    for (const [id, owed] of this.#owed) {
      if (owed.sent < maxSent) continue;
      this.#owed.delete(id);
      owed.reject(ended());
    }
    // The next one would end likewise, and each takes longer to start than many hashes.
    if (!child.isProven) return this.#computeHere(reason);
    this.#options.log.warn({ reason, waiting }, 'the process that hashes passwords has ended');
    if (this.#owed.size > 0) this.#start();
  }

  #computeHere(reason: string): void {
    this.#startNotBefore = performance.now() + this.#options.startAgainAfterMs;
    this.#options.log.warn({ reason }, 'no process that hashes passwords could be started; this one does it');
    for (const owed of this.#owed.values()) owed.computeHere();
    this.#owed.clear();
  }

  /** Until it has answered or ended it owes these, too, or nobody would notice that it is frozen. */
  #forgetOverdue(): void {
    for (const [id, { isComputedHere }] of this.#owed) if (isComputedHere) this.#owed.delete(id);
  }
}
