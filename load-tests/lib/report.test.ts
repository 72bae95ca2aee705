import { describe, expect, test } from '@jest/globals';
import { auditReport, table, verdictReport } from './report.ts';

describe('the printed report', () => {
  test('sets words left and numbers right', () => {
    expect(
      table(
        ['ms', 'p95'],
        [
          ['log in', '9.5'],
          ['pay', '100.0'],
        ],
      ),
    ).toBe('  ms        p95\n  log in    9.5\n  pay     100.0');
  });

  test('tells a missed target from an aim not reached', () => {
    const lines = verdictReport([
      { target: 'a', measured: '1', met: true },
      { target: 'b', measured: '2', met: false },
      { target: 'c', measured: '3', met: false, aim: true },
    ]).split('\n');
    expect(lines.slice(1).map((line) => line.trim().split(/\s{2,}/)[2])).toEqual(['met', 'MISSED', 'not yet (aim)']);
  });

  test('says why there was no audit', () => {
    expect(auditReport('there is none')).toBe('audit: not run: there is none');
    expect(auditReport({ passed: false, output: 'a\nb' })).toBe('audit: FAILED\n  a\n  b');
  });
});
