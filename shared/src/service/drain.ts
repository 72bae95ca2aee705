import { setTimeout as sleep } from 'node:timers/promises';
import type { Outbox } from '../messaging/outbox.ts';
import type { Transport } from '../messaging/transport.ts';
import type { OpenedLane } from './definition.ts';

/** What a service that stops tells its other parts. */
export class Stopping {
  readonly #draining = new AbortController();
  readonly #waitsEnd = new AbortController();

  /** From the first moment of a stop. */
  readonly draining = this.#draining.signal;
  /** From when on requests that wait for an outcome are answered as it stands. */
  readonly waitsEnd = this.#waitsEnd.signal;

  begin(): void {
    this.#draining.abort();
  }

  endWaits(): void {
    this.#waitsEnd.abort();
  }
}

export interface DrainOptions {
  stopping: Stopping;
  /** After which those who wait for an outcome wait no longer. */
  endWaitsAfterMs: number;
  /** Accepts no more requests, and ends when all are answered. */
  stopListening: () => Promise<void>;
  stopTasks: () => Promise<void>;
  /** These three of a service with a database. */
  transport?: Pick<Transport, 'stopReceiving' | 'stop'>;
  outbox?: Pick<Outbox, 'stopDelivering'>;
  lane?: Pick<OpenedLane, 'drained'>;
  /** Called when nothing begins here any more. */
  onIdle: () => void;
  /** Ends when the same is true of the others in this process; until then they may need this one. */
  othersIdle: Promise<unknown> | undefined;
}

/** Finishes what is under way, and begins nothing new, in the order in which one thing brings work to the next. */
export async function drain(options: DrainOptions): Promise<void> {
  const { stopping, endWaitsAfterMs, stopListening, transport, stopTasks, outbox, lane } = options;
  stopping.begin();
  // Most outcomes come soon, also at an instance that stops: the other one handles the events.
  const endWaits = setTimeout(() => stopping.endWaits(), endWaitsAfterMs);
  // First: while events come in, the lane is never empty.
  await Promise.all([stopListening(), transport?.stopReceiving?.()]);
  clearTimeout(endWaits);
  await Promise.all([stopTasks(), outbox?.stopDelivering()]);
  await lane?.drained();
  options.onIdle();
  await options.othersIdle;
  await transport?.stop();
  await lane?.drained();
}

/** Whether the work ends within the time; it goes on if it does not. @throws what it throws within it */
export const endsWithin = (work: Promise<unknown>, ms: number): Promise<boolean> =>
  Promise.race([work.then(() => true), sleep(ms, false, { ref: false })]);
