import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Cleanup } from './cleanup.ts';
import { projectsWith } from './jest-project.ts';
import { parseTestArguments } from './test-arguments.ts';
import { add, nothingRun, skippedLines, totalsOf, verdictOf } from './totals.ts';

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

describe('what no test fits', () => {
  const root = join(import.meta.dirname, '../..');
  const asked = (...jestArguments: string[]) =>
    projectsWith(['unit', 'int', 'e2e'], { root, jestArguments, cleanup: new Cleanup() });

  test('is known before anything is started for it', async () => {
    expect(await asked('infra/test-run/')).toEqual(['unit']);
    expect(await asked('infra/launcher/stack')).toEqual(['int']);
    expect(await asked('launcher', '-t', 'port')).toEqual(['unit', 'int', 'e2e']);
    expect(await asked('untt')).toEqual([]);
  });

  test('is said in one sentence, and is no success', async () => {
    const run = promisify(execFile)(process.execPath, [join(root, 'infra/test-run.ts'), 'untt']);
    const { code, stdout, stderr } = await run.then(
      (ended) => ({ code: 0, ...ended }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
    expect([code, stdout]).toEqual([1, '0 passed, 0 failed, 0 skipped\n']);
    expect(stderr).toMatch(/^no unit, int, e2e test has a path like untt; npm test -- --help .*\n$/);
  });
});

describe('the verdict', () => {
  const aFile = { name: 'a.test.ts', message: '' };
  const report = {
    numPassedTests: 5,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 1,
    numRuntimeErrorTestSuites: 0,
    testResults: [
      {
        ...aFile,
        assertionResults: [
          { fullName: 'runs', status: 'passed', failureMessages: [] },
          { fullName: 'waits for a tool', status: 'pending', failureMessages: [] },
        ],
      },
    ],
  };

  test('adds everything up', () => {
    const totals = add(totalsOf(report), { ...nothingRun, passed: 3 });
    expect(verdictOf(totals)).toEqual({ lines: ['8 passed, 0 failed, 2 skipped'], exitCode: 0 });
  });

  test('is bad when a test failed, or a file could not be loaded', () => {
    expect(verdictOf(totalsOf({ ...report, numFailedTests: 1 })).exitCode).toBe(1);
    expect(verdictOf(totalsOf({ ...report, numRuntimeErrorTestSuites: 1 })).exitCode).toBe(1);
  });

  test('names what failed, and why', () => {
    const failureMessages = [
      'Error: \u001b[2mexpect(\u001b[22mreceived)\n\n  Expected: 1\n    at a.test.ts:3:4\n    at node:vm',
    ];
    const failed = { fullName: 'adds up', status: 'failed', failureMessages };
    const unloaded = { name: 'b.test.ts', message: 'Cannot find ./c.ts', assertionResults: [] };
    const testResults = [{ ...aFile, assertionResults: [failed] }, unloaded];
    const totals = totalsOf({ ...report, numFailedTests: 1, numRuntimeErrorTestSuites: 1, testResults });
    expect(verdictOf(add(nothingRun, totals)).lines).toEqual([
      'failed: adds up: Error: expect(received) Expected: 1',
      'failed: b.test.ts: Cannot find ./c.ts',
      '5 passed, 2 failed, 2 skipped',
    ]);
  });

  test('names what was skipped, and of very many how many more there are', () => {
    expect(skippedLines(report)).toEqual(['skipped: waits for a tool']);
    const many = Array.from({ length: 40 }, (_, n) => ({
      fullName: `no. ${n}`,
      status: 'pending',
      failureMessages: [],
    }));
    const lines = skippedLines({ ...report, testResults: [{ ...aFile, assertionResults: many }] });
    expect([lines.length, lines.at(-1)]).toEqual([31, 'skipped: 10 more']);
  });

  test('is bad when nothing ran', () => {
    expect(verdictOf({ ...nothingRun, skipped: 3 }).exitCode).toBe(1);
  });
});
