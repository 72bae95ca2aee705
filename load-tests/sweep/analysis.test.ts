import { describe, expect, test } from '@jest/globals';
import { analyse } from './analysis.ts';
import { htmlOf } from '../report/html.ts';
import { reportOf } from './report.ts';
import { throughputAt } from './scalability.ts';
import type { Level, Resources } from './results.ts';
import { aLevel, aResult } from './testing/level.ts';

const vusOfLevels = [10, 50, 100, 250, 500, 1_000];
const law = { lambda: 60, sigma: 0.03, kappa: 1e-5 };
const levelsBy = (throughput: (vus: number) => number): Level[] =>
  vusOfLevels.map((vus) => aLevel(vus, 50, { requestsPerSecond: throughput(vus) }));
const lawful = () => levelsBy((vus) => throughputAt(law, vus));
const used = (more: Partial<Resources>): Resources => ({ processes: [], services: [], ...more });
const answerTo = (question: RegExp, levels: Level[], more = {}) =>
  analyse(aResult(levels, more)).checklist.find((line) => question.test(line.question));

describe('a whole sweep', () => {
  test('within its objectives keeps them', () => {
    const analysis = analyse(aResult(lawful()));
    expect(analysis).toMatchObject({ kept: true, remarks: [] });
    expect(analysis.breakingPoint.vus).toBeGreaterThan(100);
    expect(analysis.breakingPoint.vus).toBeLessThan(500);
  });

  test('breaks its promise by what is missed within it, and not by what is missed beyond', () => {
    const slowAt = (slow: number) => lawful().map((level) => (level.vus === slow ? aLevel(slow, 5_000) : level));
    expect(analyse(aResult(slowAt(500))).kept).toBe(false);
    expect(analyse(aResult(slowAt(1_000))).kept).toBe(true);
  });

  test('breaks it by an audit that fails, and cannot keep it below the load that it is promised for', () => {
    expect(analyse(aResult(lawful(), { audit: { passed: false, output: 'oversold' } })).kept).toBe(false);
    expect(analyse(aResult(lawful().filter(({ vus }) => vus < 500))).kept).toBe(false);
    expect(analyse(aResult(lawful().filter(({ vus }) => vus > 500))).kept).toBe(false);
  });

  test('gets nothing done by failing fast', () => {
    const failing = lawful().map((level) => {
      if (level.vus < 500) return level;
      for (const figures of Object.values(level.endpoints)) figures.wrong = figures.requests * 0.9;
      return { ...level, requestsPerSecond: level.requestsPerSecond * 10 };
    });
    expect(analyse(aResult(failing)).breakingPoint.vus).toBe(analyse(aResult(lawful())).breakingPoint.vus);
  });
});

test('the charts have the fitted law and the breaking point, and no law where none fits', () => {
  const chartOf = (levels: Level[]) => {
    const result = aResult(levels);
    const analysis = analyse(result);
    const charts = reportOf(result, analysis).blocks.flatMap((block) => (block.kind === 'chart' ? [block.chart] : []));
    return { throughput: charts[0], compliance: charts[2], vus: analysis.breakingPoint.vus };
  };
  const { throughput, compliance, vus } = chartOf(lawful());
  expect(throughput?.svg).toContain('scalability law');
  expect(throughput?.svg).toContain(`>${vus}</text>`);
  expect(compliance?.svg).toContain('reserve');
  const wild = chartOf(levelsBy((vus) => (vus % 100 === 0 ? 900 : 100)));
  expect(wild.throughput?.svg).not.toContain('scalability law');
});

describe('a sweep that is not whole is said to be so, and keeps no promise', () => {
  test.each([
    [
      'a level that k6 could not measure',
      { failures: [{ vus: 100, reason: 'k6 ended with code 107' }] },
      /100 .*code 107/,
    ],
    ['a level that never came', {}, /Never measured: 100 /],
  ])('%s', (_, more, remark) => {
    const levels = lawful().filter(({ vus }) => vus !== 100);
    const result = aResult(levels, { plannedVus: vusOfLevels, ...more });
    const analysis = analyse(result);
    expect(analysis.kept).toBe(false);
    expect(analysis.remarks).toContainEqual(expect.stringMatching(remark));
    expect(htmlOf(reportOf(result, analysis))).toMatch(remark);
    expect(answerTo(/Every level/, levels, { plannedVus: vusOfLevels })?.answer).toBe('fail');
  });

  test('one that was killed, and one that was stopped', () => {
    expect(analyse(aResult(lawful(), { finishedAt: undefined }))).toMatchObject({
      kept: false,
      remarks: [expect.stringContaining('did not come to its end')],
    });
    expect(analyse(aResult(lawful(), { brokenOff: 'stopped by SIGINT' }))).toMatchObject({
      kept: false,
      remarks: [expect.stringContaining('SIGINT')],
    });
  });

  test('one without any level', () => {
    const result = aResult([], { plannedVus: [10, 50], brokenOff: 'the stack did not start' });
    expect(htmlOf(reportOf(result, analyse(result)))).toContain('No number is given');
  });

  test('without the lowest level nothing degrades against another', () => {
    const [, ...others] = lawful();
    const { levels, remarks } = analyse(aResult(others, { plannedVus: vusOfLevels }));
    expect(levels.every(({ degradation }) => degradation.pay === undefined)).toBe(true);
    expect(remarks).toContainEqual(expect.stringContaining('no degradation'));
  });
});

describe('no breaking point', () => {
  const pointOf = (levels: Level[]) => analyse(aResult(levels)).breakingPoint;

  test('is given where the law does not fit', () => {
    const wild = [100, 900, 90, 800, 70, 900];
    const point = pointOf(levelsBy((vus) => wild[vusOfLevels.indexOf(vus)] ?? 1));
    expect(point).toMatchObject({ vus: undefined, law: undefined });
    expect(point.reasoning[0]).toContain('does not describe');
  });

  test('is given beyond the highest level', () => {
    const levels = levelsBy((vus) => throughputAt({ lambda: 60, sigma: 0.0001, kappa: 0 }, vus));
    const point = pointOf(levels);
    expect(point.vus).toBeUndefined();
    expect(point.reasoning.join()).toContain('still grows at 1000');
    expect(answerTo(/still grows/, levels)?.answer).toBe('pass');
  });

  test('is read from three levels', () => {
    expect(pointOf(lawful().slice(0, 3)).reasoning[0]).toContain('too few');
  });
});

describe('the checklist', () => {
  test('does not pass what was not measured', () => {
    for (const question of [
      /Processors/,
      /of the shop/,
      /Event loops/,
      /transaction/,
      /connection/,
      /Queues/,
      /Outboxes/,
      /Memory/,
    ]) {
      expect(answerTo(question, lawful())?.answer).toBe('not measured');
    }
    expect(answerTo(/oversold/, lawful(), { audit: 'no stack file' })?.answer).toBe('not measured');
  });

  test('judges what was', () => {
    const resources = used({
      busyCores: 1.99,
      k6Cores: 0.9,
      services: [{ name: 'order-1', laneWaiting: 600, eventLoopDelayMs: 250, queueDepth: 5 }],
    });
    const levels = lawful().map((level) => ({ ...level, resources }));
    expect(answerTo(/Processors/, levels)?.answer).toBe('fail');
    expect(answerTo(/Processors/, levels)?.evidence).toContain('100 %');
    expect(answerTo(/of the shop/, levels)?.answer).toBe('fail');
    expect(answerTo(/Event loops/, levels)?.answer).toBe('fail');
    expect(answerTo(/Event loops/, levels)?.evidence).toContain('order-1');
    expect(answerTo(/transaction/, levels)?.answer).toBe('fail');
    expect(answerTo(/Queues/, levels)?.answer).toBe('pass');
    expect(answerTo(/oversold/, levels, { audit: { passed: false, output: 'oversold' } })?.answer).toBe('fail');
  });
});

test('a late event loop is blamed on the processors where none is free, and on its own work where one is', () => {
  const adviceAt = (busyCores: number) => {
    const resources = used({ busyCores, services: [{ name: 'order-1', eventLoopDelayMs: 250 }] });
    const { recommendations } = analyse(aResult(lawful().map((level) => ({ ...level, resources }))));
    return recommendations?.lines.find((line) => line.startsWith('event loop'));
  };
  expect(adviceAt(2)).toContain('the processors first');
  expect(adviceAt(1)).toContain('profile it');
});

test('a service that did not always answer makes no line pass, and hides no failure of another', () => {
  const services = [
    { name: 'order-1', queueDepth: 5, outboxDepth: 5_000 },
    { name: 'order-2', unanswered: 3 },
  ];
  const levels = lawful().map((level) => ({ ...level, resources: used({ services }) }));
  expect(answerTo(/Queues/, levels)).toMatchObject({
    answer: 'not measured',
    evidence: expect.stringContaining('order-2'),
  });
  expect(answerTo(/Outboxes/, levels)?.answer).toBe('fail');
});

test('recommendations name what is used up, k6 and strangers among them', () => {
  const processes = [
    { name: 'postgres', cores: 0.3, peakBytes: 1 },
    { name: 'order-1', cores: 0.95, peakBytes: 1 },
  ];
  const services = [{ name: 'order-1', poolWaiting: 40, laneWaiting: 600 }];
  const levels = lawful().map((level) => ({
    ...level,
    resources: { busyCores: 2, k6Cores: 0.51, processes, services },
  }));
  const lines = analyse(aResult(levels)).recommendations?.lines ?? [];
  expect(lines.map((line) => line.split(':')[0])).toEqual(['cpu', 'k6', 'single thread', 'other load', 'lane', 'pool']);
  expect(lines[0]).toContain('order-1 0.95');
});
