/** When to start a program again that has ended by itself. Pure: the caller counts and waits. */

export const firstDelayMs = 100;
export const maxDelayMs = 5_000;
/** A program that lived this long was well; its next end is a new story. */
export const healthyAfterMs = 30_000;
/** A program that never became ready in so many tries will not at the next one either. */
export const triesBeforeGivingUp = 5;

export interface History {
  /** Ends in a row without a healthy life between them. */
  failures: number;
  everReady: boolean;
}

export type Verdict = { kind: 'restart'; afterMs: number; history: History } | { kind: 'give-up' };

/** Decides what follows an unexpected end after `livedMs`. */
export function afterAnEnd(history: History, livedMs: number): Verdict {
  const failures = livedMs >= healthyAfterMs ? 1 : history.failures + 1;
  if (!history.everReady && failures >= triesBeforeGivingUp) return { kind: 'give-up' };
  const afterMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - 1));
  return { kind: 'restart', afterMs, history: { ...history, failures } };
}
