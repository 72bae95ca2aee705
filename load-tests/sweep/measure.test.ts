import { describe, expect, test } from '@jest/globals';
import { levelFigures, middleOf, type Sample } from './measure.ts';

describe('what k6 tells', () => {
  const kept = 'phase:steady,name:pay';

  test('is told by endpoint, for the time that was measured', () => {
    const figures = levelFigures(
      {
        metrics: {
          [`http_reqs{${kept}}`]: { count: 300 },
          [`http_req_failed{${kept}}`]: { passes: 2, fails: 298 },
          [`wrong{${kept}}`]: { count: 5 },
        },
      },
      30,
    );
    expect(figures).toMatchObject({ requests: 300, requestsPerSecond: 10 });
    expect(figures.endpoints.pay).toEqual({ requests: 300, wrong: 5, failed: 2, trend: undefined });
  });

  test('is a failure, not a zero, when nothing got done', () => {
    expect(() => levelFigures({ metrics: {} }, 30)).toThrow(/no request/);
  });
});

describe('processors in use', () => {
  const sample = (second: number, cpuSeconds: number): Sample => ({
    atMs: second * 1_000,
    trees: [{ name: 'order-1', cpuSeconds, bytes: 1 }],
    machine: { busySeconds: 2 * cpuSeconds, stolenSeconds: 0 },
  });

  test('are those of the middle of the run: its start and its end do not count', () => {
    const used = [0, 0, 0, 0, 0.5, 1, 1.5, 2, 2.5, 9];
    const { busyCores, cores } = middleOf(used.map((cpuSeconds, second) => sample(second, cpuSeconds)));
    expect(cores.get('order-1')).toBeCloseTo(0.5, 9);
    expect(busyCores).toBeCloseTo(1, 9);
  });

  test('are unknown without two samples', () => {
    expect(middleOf([])).toEqual({ cores: new Map() });
    expect(middleOf([sample(1, 1)]).busyCores).toBeUndefined();
  });
});
