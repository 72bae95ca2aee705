import { describe, expect, test } from '@jest/globals';
import { auditReport, table } from './report.ts';

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

  test('says why there was no audit', () => {
    expect(auditReport('there is none')).toBe('audit: not run: there is none');
    expect(auditReport({ passed: false, output: 'a\nb' })).toBe('audit: FAILED\n  a\n  b');
  });
});
