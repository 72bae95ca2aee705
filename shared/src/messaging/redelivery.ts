import type { Logger } from '../log.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { NotDelivered, OutboxRecord } from './transport.ts';

/**
 * Between the tries of a record that this process holds. Close to each other for as long as a process takes to start
 * again; the last is the longest that an outage outlives its end.
 */
const pausesMs = [100, 300, 500, 500, 500, 1_000, 2_000];
const lookEveryMs = 25;
const writeEveryMs = 100;
const writeAgainAfterMs = 1_000;
/**
 * After so many failures that were no outage's a record fails by itself. One or two say little: it may have shared its
 * transaction with another that does.
 */
const failsByItselfAfter = 3;

interface Held {
  record: OutboxRecord;
  kind: NotDelivered;
  dueAtMs: number;
}

export interface RedeliveryOptions {
  service: ServiceName;
  deliver: (records: OutboxRecord[]) => Promise<void>;
  /** Leaves rows of this service to whoever sweeps next. */
  giveBack: (ids: string[], kind: NotDelivered) => Promise<void>;
  /** Notes of rows of this service that they fail by themselves; they are tried on. */
  markFailing: (ids: string[]) => Promise<void>;
  log: Logger;
  /** Most records that wait here. */
  maxHeld: number;
  /** How long a record of this service is tried from here before it is given back. */
  holdMs: number;
  /** How long another service's record is: as long as its owner leaves it to us. */
  handoverMs: number;
}

/**
 * Tries again, from memory and soon, what could not be delivered: a service away for a second costs about as much. What
 * fails whenever it comes, what has been tried for long, and what is too much to hold goes back to the outbox, where the
 * sweep counts its attempts. What fails for now though others get through is tried on, and is marked: it is late by its own
 * fault, and must not count as an outage. Whether others do is for the transport and the receiver to say; see NotDelivered.
 */
export class Redelivery {
  readonly #options: RedeliveryOptions;
  readonly #held = new Map<string, Held>();
  /** Of records that come back from a try; one that does not is forgotten with it. */
  readonly #history = new WeakMap<OutboxRecord, { sinceMs: number; tries: number; ownFailures: number }>();
  readonly #toWrite = new Map<NotDelivered | 'failing', Set<string>>();
  #looking: NodeJS.Timeout | undefined;
  #writing: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: RedeliveryOptions) {
    this.#options = options;
  }

  /** How many records more it would hold. */
  get room(): number {
    return Math.max(0, this.#options.maxHeld - this.#held.size);
  }

  /** Takes care of a record that the transport could not deliver. */
  notDelivered(record: OutboxRecord, kind: NotDelivered): void {
    if (this.#stopped) return; // its row is everybody's as soon as the lease has ended
    const { service, holdMs, handoverMs } = this.#options;
    const nowMs = performance.now();
    const history = this.#history.get(record) ?? { sinceMs: nowMs, tries: 0, ownFailures: 0 };
    this.#history.set(record, history);
    if (kind !== 'unreachable') history.ownFailures += 1;
    const isOwn = record.owner === service;
    const isTooLong = nowMs - history.sinceMs >= (isOwn ? holdMs : handoverMs);
    if (kind === 'poison' || isTooLong || (this.room === 0 && !this.#held.has(record.id))) {
      this.#held.delete(record.id);
      // Another service's record is taken up by its owner when the time for which it was handed to us is over.
      if (isOwn) this.#writeSoon([record.id], kind);
      return;
    }
    if (isOwn && kind === 'transient' && history.ownFailures === failsByItselfAfter)
      this.#writeSoon([record.id], 'failing');
    const pauseMs = pausesMs[Math.min(history.tries, pausesMs.length - 1)]!;
    history.tries += 1;
    this.#held.set(record.id, { record, kind, dueAtMs: nowMs + pauseMs * (0.8 + Math.random() * 0.4) });
    this.#looking ??= setInterval(() => this.#look(), lookEveryMs);
  }

  /** To be called when something can be reached that could not be before. */
  retryNow(): void {
    this.#deliver([...this.#held.values()].filter(({ kind }) => kind === 'unreachable'));
  }

  /** To be called with records that need no further care. */
  forget(ids: string[]): void {
    if (this.#held.size === 0) return;
    for (const id of ids) this.#held.delete(id);
  }

  /** Tries nothing more. What is held stays in the outbox, for whoever finds the lease of this process ended. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#looking);
    clearTimeout(this.#writing);
    this.#held.clear();
  }

  #look(): void {
    const nowMs = performance.now();
    this.#deliver([...this.#held.values()].filter(({ dueAtMs }) => dueAtMs <= nowMs));
  }

  #deliver(due: Held[]): void {
    for (const { record } of due) this.#held.delete(record.id);
    if (this.#held.size === 0) {
      clearInterval(this.#looking);
      this.#looking = undefined;
    }
    if (due.length > 0) void this.#options.deliver(due.map(({ record }) => record));
  }

  #writeSoon(ids: Iterable<string>, what: NotDelivered | 'failing', afterMs = writeEveryMs): void {
    const all = this.#toWrite.get(what) ?? new Set();
    this.#toWrite.set(what, all);
    for (const id of ids) all.add(id);
    this.#writing ??= setTimeout(() => void this.#writeAll(), afterMs);
  }

  async #writeAll(): Promise<void> {
    const { giveBack, markFailing, log } = this.#options;
    const all = [...this.#toWrite];
    this.#toWrite.clear();
    this.#writing = undefined;
    for (const [what, ids] of all) {
      const written = what === 'failing' ? markFailing([...ids]) : giveBack([...ids], what);
      await written.catch((error: Error) => {
        log.warn({ records: ids.size, reason: error.message }, 'records not given back to the outbox yet');
        if (!this.#stopped) this.#writeSoon(ids, what, writeAgainAfterMs);
      });
    }
  }
}
