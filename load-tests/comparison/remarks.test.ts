import { describe, expect, test } from '@jest/globals';
import { remarksOf } from './remarks.ts';
import type { Comparison, StackResult } from './results.ts';
import { summaryOf } from './summary.ts';
import {
  aComparison,
  aCrowd,
  aLoad,
  aMachine,
  aPairedComparison,
  aRun,
  aStack,
  sequentialQuickPlan,
} from './testing/comparisons.ts';

const texts = (comparison: Comparison) => remarksOf(comparison).map(({ text }) => text);
/** With something changed in the sync stack. */
const withSync = (more: Partial<StackResult>) =>
  aComparison({ stacks: [{ ...aStack('sync'), ...more }, aStack('async', 200)] });
const winnersAt = (comparison: Comparison, vus: number) =>
  new Set(
    summaryOf(comparison)
      .levels.find((level) => level.vus === vus)
      ?.rows.map(({ winner }) => winner),
  );

describe('what must be said of a comparison', () => {
  test('is nothing if all is well', () => {
    expect(texts(aComparison())).toEqual([]);
    expect(winnersAt(aComparison(), 500)).toEqual(new Set(['async', 'tie']));
  });

  test('a run that is missing; its level is not judged, the other is', () => {
    const comparison = withSync({ runs: aStack('sync').runs.slice(0, -1) });
    expect(texts(comparison)).toEqual(['sync, 500 shoppers: 1 of 3 runs is missing.']);
    expect(winnersAt(comparison, 500)).toEqual(new Set(['not judged']));
    expect(winnersAt(comparison, 250)).toEqual(new Set(['async', 'tie']));
  });

  test('a stack that is missing', () => {
    const comparison = aComparison({ stacks: [aStack('sync')] });
    expect(texts(comparison)).toEqual(['async: nothing was measured.']);
    expect(winnersAt(comparison, 250)).toEqual(new Set(['not judged']));
  });

  test('thresholds of k6 that did not hold, and requests that failed, with their run', () => {
    const [first, ...others] = aStack('sync').runs;
    const bad = { ...(first ?? aRun()), crossed: ['checks: rate==1'], failed: 3, wrong: 2 };
    const comparison = withSync({ runs: [bad, ...others] });
    expect(texts(comparison)).toEqual([
      'sync, 250 shoppers, run 1: 3 of 6000 requests failed; 2 journeys got a wrong answer; thresholds of k6 did not hold: checks: rate==1.',
    ]);
    expect(winnersAt(comparison, 250)).toEqual(new Set(['not judged']));
  });

  test('a run that is there twice, in the place of another, and one that was cut short', () => {
    const [first = aRun(), second = aRun(), , ...others] = aStack('sync').runs;
    expect(texts(withSync({ runs: [first, second, second, ...others] }))).toEqual([
      'sync, 250 shoppers: 1 of 3 runs is missing.',
      'sync, 250 shoppers: the same run is there more than once.',
    ]);
    const short = withSync({ runs: [{ ...first, seconds: 20 }, ...aStack('sync').runs.slice(1)] });
    expect(texts(short)).toEqual(['sync, 250 shoppers, run 1: it lasted 20 s and not 60 s.']);
    expect(winnersAt(short, 250)).toEqual(new Set(['not judged']));
  });

  test('what is shown nowhere: runs that were not planned, a stack that is there again', () => {
    const runs = [...aStack('sync').runs, aRun({ vus: 100 })];
    expect(texts(withSync({ runs }))).toEqual(['sync: 1 runs with other numbers of shoppers are not shown.']);
    const twice = aComparison({ stacks: [aStack('sync'), aStack('async', 200), aStack('async', 900)] });
    expect(texts(twice)).toEqual(['async is there 2 times; only the first is shown.']);
    expect(winnersAt(twice, 500)).toEqual(new Set(['not judged']));
  });

  test('processes that were not seen, as where there is no /proc', () => {
    const [first = aRun(), ...others] = aStack('sync').runs;
    const blind = { ...first, timeline: { ...first.timeline, usage: { second: [], services: [] } } };
    expect(remarksOf(withSync({ runs: [blind, ...others] }))).toEqual([
      { isNote: true, text: 'sync: what its processes used was not seen in 1 of 6 runs.' },
    ]);
  });

  test('runs that did not have the machine to themselves', () => {
    const runs = aStack('sync').runs.map((run, at) => ({ ...run, othersShare: at === 0 ? 0.234 : 0.05 }));
    expect(remarksOf(withSync({ runs }))).toEqual([
      { isNote: true, text: 'sync: in 1 of 6 runs others had a part of the machine: 23 %.' },
    ]);
  });

  test('files that no commit has', () => {
    const machine = aMachine({ commit: 'abc-dirty' });
    const comparison = aComparison({
      stacks: [aStack('sync'), aStack('async', 200)].map((one) => ({ ...one, machine })),
    });
    expect(remarksOf(comparison)).toEqual([
      { isNote: true, text: 'Not of a commit, but of files changed since: sync and async.' },
    ]);
  });

  test('a run in which nobody bought anything', () => {
    const [first, ...others] = aStack('sync').runs;
    const runs = [{ ...(first ?? aRun()), journeys: 0 }, ...others];
    expect(texts(withSync({ runs }))).toEqual(['sync, 250 shoppers, run 1: no journey came to its end.']);
  });

  test('a crowd that was not let in, or is missing', () => {
    const comparison = aPairedComparison({ sync: 100, async: 200 });
    const ofCrowds = (of: Comparison) => texts(of).filter((text) => text.includes('crowd'));
    expect(ofCrowds(comparison)).toEqual([]);
    const [sync, async] = comparison.stacks as [StackResult, StackResult];
    const crowd = aCrowd({ letIn: 498, crossed: ['let_in: count==500'] });
    expect(
      ofCrowds({
        ...comparison,
        stacks: [
          { ...sync, crowd },
          { ...async, crowd: undefined },
        ],
      }),
    ).toEqual([
      'sync: of the crowd that logged in 498 of 500 were let in; let_in: count==500.',
      'async: the crowd that logs in is missing.',
    ]);
  });

  test('stacks from different machines', () => {
    const comparison = withSync({ machine: aMachine({ cores: 8, commit: 'def' }) });
    expect(texts(comparison)).toEqual([
      'async was measured elsewhere than sync: cores 8 and 2; commit def and abc. No winner is named.',
    ]);
    expect(winnersAt(comparison, 250)).toEqual(new Set(['not judged']));
  });

  test('that it was broken off, or ended without a word', () => {
    const unfinished = aComparison({ finishedAt: undefined });
    expect(texts({ ...unfinished, brokenOff: 'stopped by SIGINT' })).toEqual([
      'It was not measured to its end: stopped by SIGINT.',
    ]);
    expect(texts(unfinished)).toEqual(['It was not measured to its end: it ended without saying why.']);
  });

  test('a machine that changed its speed', () => {
    const slower = { before: aLoad({ requestsPerSecond: 1_000 }), after: aLoad({ requestsPerSecond: 800 }) };
    const comparison = withSync({ yardsticks: slower });
    expect(remarksOf(comparison)).toEqual([{ isNote: true, text: expect.stringContaining('by 25 %') }]);
  });

  test('a yardstick that is missing or failed; what follows the machine is then not judged', () => {
    const { before } = aStack('sync').yardsticks;
    expect(texts(withSync({ yardsticks: { before } }))).toEqual(['sync: the yardstick after the runs is missing.']);
    const failed = withSync({ yardsticks: { before, after: aLoad({ failed: 1 }) } });
    expect(texts(failed)).toEqual(['sync: the yardstick after the runs failed.']);
    expect(summaryOf(failed).levels[0]?.rows.find(({ metric }) => metric === 'throughput')?.winner).toBe('not judged');
  });

  test('a race that was not exact, an audit that failed or was not run', () => {
    const { race } = aStack('sync');
    expect(texts(withSync({ race: race && { ...race, sold: 101 } }))).toEqual([
      'sync: the race was not exact: 101 sold, 1900 sold out, 0 other, of 2000 for 100.',
    ]);
    expect(texts(withSync({ race: undefined, audit: undefined }))).toEqual([
      'sync: the race is missing.',
      'sync: the audit is missing.',
    ]);
    expect(texts(withSync({ audit: { passed: false, output: 'a\nInvariant 2 does not hold' } }))).toEqual([
      'sync: the audit failed: Invariant 2 does not hold',
    ]);
    expect(texts(withSync({ audit: 'no stack file' }))).toEqual(['sync: the audit was not run: no stack file.']);
  });

  test('that it was a quick look', () => {
    const runs = (stack: string) => ({
      ...aStack(stack),
      runs: aStack(stack)
        .runs.filter(({ repeat }) => repeat === 1)
        .map((run) => ({ ...run, seconds: sequentialQuickPlan.seconds.run })),
    });
    const comparison = aComparison({ plan: sequentialQuickPlan, stacks: [runs('sync'), runs('async')] });
    expect(texts(comparison)).toEqual([expect.stringContaining('A quick look')]);
    expect(winnersAt(comparison, 500)).toEqual(new Set(['not judged']));
  });
});

describe('of stacks that took turns', () => {
  const unsteady =
    'The machine changed its speed by 400 % between the yardsticks; only what was measured in one round can be compared.';

  test('a machine that changed its speed between the rounds spoils nothing', () => {
    const comparison = aPairedComparison({ sync: 100, async: 101 });
    expect(texts(comparison)).toEqual([unsteady]);
    expect(winnersAt(comparison, 500)).toEqual(new Set(['async', 'tie']));
  });

  test('a round that is missing, of a stack or of the yardstick, is named', () => {
    const comparison = aPairedComparison({ sync: 100, async: 101 });
    comparison.stacks[0]!.runs = comparison.stacks[0]!.runs.slice(1);
    comparison.yardsticks = comparison.yardsticks!.slice(1);
    comparison.yardsticks[0]!.failed = 1;
    expect(texts(comparison)).toEqual([
      'The yardstick of round 1 is missing.',
      'The yardstick of round 2 failed.',
      'sync, 250 shoppers: 1 of 5 runs is missing.',
    ]);
    expect(winnersAt(comparison, 250)).toEqual(new Set(['not judged']));
  });
});
