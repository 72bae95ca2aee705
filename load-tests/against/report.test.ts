import { describe, expect, test } from '@jest/globals';
import { turnsInPairs } from '../turns/testing/turns.ts';
import { againstReport } from './report.ts';
import { aResult, besideRestless } from './testing/results.ts';

const linesOf = (...given: Parameters<typeof aResult>) => againstReport(aResult(...given)).split('\n');
const cells = (lines: string[], measure: string) =>
  lines
    .find((line) => line.trim().startsWith(measure))!
    .trim()
    .split(/\s{2,}/);

describe('the printed report of two trees', () => {
  test('shows raw and corrected side by side, and what the side at rest took', () => {
    const lines = linesOf(besideRestless('that', { this: 90, that: 100 }));
    expect(cells(lines, 'this ').slice(0, 4)).toEqual(['this', 'that', 'raw', 'corrected']);
    expect(cells(lines, 'journeys, 1/s').slice(1, 5)).toEqual(['90.0', '100.0', '0.900', '1.000']);
    expect(lines).toContain(
      'taken of the machine by the side at rest: 10.0 % in the turns of this tree, 0.0 % in those of that tree',
    );
  });

  test('marks what is slower when corrected, and nothing that is only so as measured', () => {
    const marked = (lines: string[]) => lines.filter((line) => /(SLOWER|lower)\s*$/.test(line)).length;
    expect(marked(linesOf(besideRestless('that', { this: 90, that: 100 })))).toBe(0);
    expect(marked(linesOf(besideRestless('this', { this: 95, that: 90 })))).toBeGreaterThan(0);
  });

  test('ends with the verdict', () => {
    expect(linesOf(turnsInPairs([[100, 100]])).at(-1)).toMatch(/^verdict: not slower; /);
  });
});
