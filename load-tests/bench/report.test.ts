import { describe, expect, test } from '@jest/globals';
import { aTurn } from '../turns/testing/turns.ts';
import { besideLimit } from './limit-pairs.ts';
import { atRestReport, pairsReport, verdictReport } from './report.ts';

describe('the printed report of the benchmark', () => {
  test('tells a missed target from an aim not reached', () => {
    const lines = verdictReport([
      { target: 'a', measured: '1', met: true },
      { target: 'b', measured: '2', met: false },
      { target: 'c', measured: '3', met: false, aim: true },
    ]).split('\n');
    expect(lines.slice(1).map((line) => line.trim().split(/\s{2,}/)[2])).toEqual(['met', 'MISSED', 'not yet (aim)']);
  });

  test('adds up what the processes take at rest, and those of Node by themselves', () => {
    const lines = atRestReport([
      { name: 'postgres', pssBytes: 80e6, rssBytes: 300e6, cores: 0.004 },
      { name: 'services-1', pssBytes: 100e6, rssBytes: 150e6, cores: 0.02 },
      { name: 'services-2', pssBytes: 110e6, rssBytes: 160e6, cores: 0.01 },
    ]).split('\n');
    expect(lines.slice(-2).map((line) => line.trim().split(/\s{2,}/))).toEqual([
      ['total', '290.0', '610.0', '3.4'],
      ['Node processes', '210.0', '310.0', '3.0'],
    ]);
  });

  test('of a limit that is none there is a reason, and no ratio', () => {
    const turns = [
      aTurn({ pair: 1, side: 'yardstick', rate: 250 }),
      aTurn({ pair: 1, side: 'limit', rate: 100 }),
      aTurn({ pair: 1, side: 'sync', rate: 50 }),
    ];
    const report = pairsReport(besideLimit({ turns, levels: [500], discrepancies: [] }, 'sync', 2), 'sync');
    expect(report).toContain("no ratio: the limit reached 0.40 of the yardstick's requests/s, less than 0.5");
    expect(report).not.toContain('journeys, 1/s');
  });
});
