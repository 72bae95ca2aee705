/** When to start a program again that has ended by itself. Pure: the caller counts and waits. */
import { unusableConfigurationCode } from '@flash-sale/shared/config.ts';

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

/**
 * Decides what follows an unexpected end after `livedMs`. What cannot use its configuration is not tried again: it will get the
 * same. Once it was ready with it that is no reason, and the others of its kind go on meanwhile.
 * @param code with which it ended, unless it was killed
 */
export function afterAnEnd(history: History, livedMs: number, code?: number): Verdict {
  if (!history.everReady && code === unusableConfigurationCode) return { kind: 'give-up' };
  const failures = livedMs >= healthyAfterMs ? 1 : history.failures + 1;
  if (!history.everReady && failures >= triesBeforeGivingUp) return { kind: 'give-up' };
  const afterMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - 1));
  return { kind: 'restart', afterMs, history: { ...history, failures } };
}
