import { describe, expect, test } from '@jest/globals';
import { barOf, Progress, timeLeft } from './progress.ts';

describe('progress', () => {
  test('before the first step, all of the time is left', () => {
    const progress = new Progress([10, 30]);
    expect([progress.secondsLeft(5_000), progress.share(5_000)]).toEqual([40, 0]);
  });

  test('time passes within a step, and a step that ends early or late puts it right', () => {
    const progress = new Progress([10, 30]);
    progress.begin(1_000);
    expect(progress.secondsLeft(5_000)).toBe(36);
    expect(progress.secondsLeft(60_000)).toBe(30);
    progress.begin(60_000);
    expect(progress.share(75_000)).toBe(0.625);
  });

  test('more steps than were expected do no harm', () => {
    const progress = new Progress([10]);
    progress.begin(1_000);
    progress.begin(2_000);
    expect([progress.secondsLeft(3_000), progress.share(3_000)]).toEqual([0, 1]);
  });

  test('the bar is as long as its share, and no longer than the terminal is wide', () => {
    expect(barOf(0.5, 61, 'sync: race', 80)).toBe(`${'█'.repeat(12)}${'░'.repeat(12)}  50 %  61 s left  sync: race`);
    expect(barOf(0.5, 61, 'sync: race', 30)).toHaveLength(29);
  });

  test('long times are in minutes', () => {
    expect([timeLeft(89.2), timeLeft(91)]).toEqual(['90 s', '2 min']);
  });
});
