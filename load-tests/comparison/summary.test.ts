import { expect, test } from '@jest/globals';
import { summaryOf, type Row } from './summary.ts';
import { aComparison, aLoad, aStack } from './testing/comparisons.ts';

const rowAt = (vus: number, metric: string, comparison = aComparison()): Row | undefined =>
  summaryOf(comparison)
    .levels.find((level) => level.vus === vus)
    ?.rows.find((row) => row.metric === metric);

test('ours is mean and range over the runs, theirs the figures of the study', () => {
  expect(rowAt(500, 'throughput')).toMatchObject({
    ours: { sync: { mean: 102, min: 101, max: 103, runs: 3 }, async: { mean: 202, min: 201, max: 203, runs: 3 } },
    winner: 'async',
    theirs: { sync: 107.49, async: 136.71 },
    theirWinner: 'async',
  });
});

test('CPU is a share of all cores, memory the sum of all services, both on average over the run', () => {
  expect(rowAt(250, 'CPU')?.ours.sync?.mean).toBe(50);
  expect(rowAt(250, 'memory')?.ours.sync?.mean).toBe(85);
  expect(rowAt(250, 'CPU per purchase')?.ours.sync?.mean).toBe(10);
});

test('the share of the yardstick is as uncertain as its yardsticks', () => {
  const sync = {
    ...aStack('sync', 98),
    yardsticks: { before: aLoad({ requestsPerSecond: 1_250 }), after: aLoad({ requestsPerSecond: 800 }) },
  };
  const row = rowAt(500, 'throughput as a share of the yardstick', aComparison({ stacks: [sync, aStack('async')] }));
  expect(row?.ours.sync).toEqual({ mean: 100 / 1_025, min: 99 / 1_250, max: 101 / 800, runs: 3 });
  expect(row?.theirs).toBeUndefined();
});

test('what was not seen of the processes is not zero, it is unknown', () => {
  const sync = aStack('sync');
  for (const run of sync.runs)
    Object.assign(run, { usage: [], timeline: { ...run.timeline, usage: { second: [], services: [] } } });
  const comparison = aComparison({ stacks: [sync, aStack('async')] });
  for (const metric of ['CPU', 'memory', 'CPU per purchase']) {
    expect(rowAt(500, metric, comparison)).toMatchObject({ ours: { async: { runs: 3 } }, winner: 'not judged' });
    expect(rowAt(500, metric, comparison)?.ours.sync).toBeUndefined();
  }
});
