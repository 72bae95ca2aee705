import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Logger } from './log.ts';
import { reasonOf } from './reason-of.ts';

/** What the user service tells of sessions whose access tokens must not be good any more, though they have not expired. */
export const endedPage = z.object({
  sessions: z.array(z.object({ id: z.string(), untilMs: z.number() })),
  /** All sessions of an account but the kept one, as far as they are from before its credentials had this version. */
  accounts: z.array(
    z.object({ id: z.string(), untilMs: z.number(), version: z.number(), keptSession: z.string().nullable() }),
  ),
  /** Where to go on, at once if there is more. */
  cursor: z.string(),
  more: z.boolean(),
});
export type EndedPage = z.output<typeof endedPage>;
/** @param cursor of the page before; without it, all that could still matter */
export type EndedSource = (cursor: string | undefined) => Promise<EndedPage>;

const maxPages = 100;
const maxRemembered = 100_000;
const forgetEveryMs = 60_000;
/** What was last asked for longer ago may lack a session that has ended. */
const upToDateForMs = 3_000;
/** Longest that a request waits for it; then it is judged by what is known. */
const catchUpWithinMs = 500;

/** Whose token it is. */
export interface Bearer {
  userId: string;
  sessionId?: string | undefined;
  credentialsVersion?: number | undefined;
}

/**
 * The sessions that have ended before their access tokens expire, as the user service tells. While it is away this goes on
 * with what is known, and catches up afterwards; a process that has just started knows nothing until its first look.
 */
export class EndedSessions {
  readonly #source: EndedSource;
  readonly #log: Logger;
  readonly #sessions = new Map<string, number>();
  readonly #accounts = new Map<string, EndedPage['accounts'][number]>();
  #cursor: string | undefined;
  #reachable: boolean | undefined;
  #isUsed = false;
  #refreshing: Promise<void> | undefined;
  #catchingUp: Promise<void> | undefined;
  #refreshedAtMs = -Infinity;
  #forgottenAtMs = 0;

  constructor(options: { source: EndedSource; log: Logger }) {
    this.#source = options.source;
    this.#log = options.log;
  }

  /**
   * To be asked before `has`. While tokens come, `refreshIfUsed` keeps this up to date; the first one after a rest has it
   * ask first.
   * @returns undefined where there is nothing to wait for; otherwise it resolves when this has been asked, or soon
   */
  catchUp(): Promise<void> | undefined {
    this.#isUsed = true;
    const isUpToDate = performance.now() - this.#refreshedAtMs < upToDateForMs;
    if (this.#catchingUp || this.#refreshing || isUpToDate) return this.#catchingUp;
    const within = sleep(catchUpWithinMs, undefined, { ref: false });
    return (this.#catchingUp = Promise.race([this.refresh(), within]).finally(() => (this.#catchingUp = undefined)));
  }

  has({ userId, sessionId, credentialsVersion = 0 }: Bearer): boolean {
    if (sessionId !== undefined && this.#sessions.has(sessionId)) return true;
    const account = this.#accounts.get(userId);
    return account !== undefined && credentialsVersion < account.version && sessionId !== account.keptSession;
  }

  /** Refreshes if `catchUp` was called since the last time: at rest nobody needs to know. Never rejects. */
  async refreshIfUsed(): Promise<void> {
    if (!this.#isUsed) return;
    this.#isUsed = false;
    await this.refresh();
  }

  /** Asks for what has ended since the last time. Never rejects. */
  refresh(): Promise<void> {
    return (this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
      this.#refreshedAtMs = performance.now();
    }));
  }

  async #refresh(): Promise<void> {
    try {
      let more = true;
      for (let page = 0; more && page < maxPages; page += 1) more = await this.#nextPage();
      if (this.#reachable === false) this.#log.info('ended sessions are known again');
      this.#reachable = true;
    } catch (error) {
      const reason = reasonOf(error);
      if (this.#reachable !== false)
        this.#log.warn({ reason }, 'ended sessions cannot be asked for; those known stay so');
      this.#reachable = false;
    }
    this.#forget();
  }

  async #nextPage(): Promise<boolean> {
    const { sessions, accounts, cursor, more } = await this.#source(this.#cursor);
    for (const { id, untilMs } of sessions) this.#sessions.set(id, untilMs);
    for (const account of accounts) this.#accounts.set(account.id, account);
    this.#cursor = cursor;
    return more;
  }

  /** What no token could be good for any more, and the oldest of what is too much. */
  #forget(): void {
    for (const known of [this.#sessions, this.#accounts]) {
      for (const id of known.keys()) {
        if (known.size <= maxRemembered) break;
        known.delete(id);
      }
    }
    const nowMs = Date.now();
    if (nowMs - this.#forgottenAtMs < forgetEveryMs) return;
    this.#forgottenAtMs = nowMs;
    for (const [id, untilMs] of this.#sessions) if (untilMs < nowMs) this.#sessions.delete(id);
    for (const [id, { untilMs }] of this.#accounts) if (untilMs < nowMs) this.#accounts.delete(id);
  }
}
