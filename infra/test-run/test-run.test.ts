import { describe, expect, test } from '@jest/globals';
import { parseTestArguments } from './test-arguments.ts';
import { add, totalsOf, verdictOf } from './totals.ts';

describe('the arguments of npm test', () => {
  test.each([
    [[], ['lint', 'unit', 'int', 'e2e'], []],
    [['unit'], ['unit'], []],
    [['int', 'databases', '-t', 'auditor'], ['int'], ['databases', '-t', 'auditor']],
    [['hold'], ['unit', 'int', 'e2e'], ['hold']],
  ])('%j', (argv, stages, jestArguments) => {
    expect(parseTestArguments(argv)).toEqual({ stages, jestArguments });
  });
});

describe('the verdict', () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 1,
    numRuntimeErrorTestSuites: 0,
  };

  test('adds everything up', () => {
    const totals = add(totalsOf(report), { passed: 3, failed: 0, skipped: 0 });
    expect(verdictOf(totals)).toEqual({ line: '8 passed, 0 failed, 2 skipped', exitCode: 0 });
  });

  test('is bad when a test failed, or a file could not be loaded', () => {
    expect(verdictOf(totalsOf({ ...report, numFailedTests: 1 })).exitCode).toBe(1);
    expect(verdictOf(totalsOf({ ...report, numRuntimeErrorTestSuites: 1 })).exitCode).toBe(1);
  });

  test('is bad when nothing ran', () => {
    expect(verdictOf({ passed: 0, failed: 0, skipped: 3 }).exitCode).toBe(1);
  });
});
