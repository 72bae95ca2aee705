import { describe, expect, test } from '@jest/globals';
import { unusableConfigurationCode } from '@flash-sale/shared/config.ts';
import { afterAnEnd, healthyAfterMs, type History, triesBeforeGivingUp } from './backoff.ts';

/** The verdicts on programs that end again and again after `livedMs`. */
function verdicts(start: History, livedMs: number, ends: number) {
  let history = start;
  return Array.from({ length: ends }, () => {
    const verdict = afterAnEnd(history, livedMs);
    if (verdict.kind === 'give-up') return 'give-up';
    history = verdict.history;
    return verdict.afterMs;
  });
}

describe('restarting', () => {
  test('waits twice as long each time, but never more than 5 s', () => {
    const wasReady = { failures: 0, everReady: true };
    expect(verdicts(wasReady, 10, 8)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  test('begins anew after a healthy life', () => {
    const troubled = { failures: 7, everReady: true };
    expect(verdicts(troubled, healthyAfterMs, 2)).toEqual([100, 100]);
  });

  test('gives up on what was never ready', () => {
    const verdict = verdicts({ failures: 0, everReady: false }, 10, triesBeforeGivingUp);
    expect(verdict).toEqual([100, 200, 400, 800, 'give-up']);
  });

  test('is no use where the configuration is not usable, unless it once was', () => {
    expect(afterAnEnd({ failures: 0, everReady: false }, 10, unusableConfigurationCode)).toEqual({ kind: 'give-up' });
    expect(afterAnEnd({ failures: 0, everReady: false }, 10, 1)).toMatchObject({ kind: 'restart' });
    expect(afterAnEnd({ failures: 0, everReady: true }, 10, unusableConfigurationCode)).toMatchObject({ afterMs: 100 });
  });
});
