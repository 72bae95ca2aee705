import { mkdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { runTool } from './tool.ts';
import { skippedLines, totalsOf, type JestReport, type Totals } from './totals.ts';

export type JestProject = 'unit' | 'int' | 'e2e';

// The limits are for what hangs: on a busy machine everything takes many times as long as it should.
const settings: Record<JestProject, string[]> = {
  unit: [`--maxWorkers=${availableParallelism()}`, '--testTimeout=60000'],
  int: [`--maxWorkers=${availableParallelism()}`, '--testTimeout=120000'],
  // Two at a time: each has its whole stack to itself, and mostly waits for something to start, stop or run out.
  e2e: ['--maxWorkers=2', '--testTimeout=240000'],
};

interface JestRun {
  root: string;
  project: JestProject;
  jestArguments: string[];
  env: Record<string, string>;
  cleanup: Cleanup;
}

/** Runs one project, shows Jest's own output, and answers what it counted. */
export async function runJest({ root, project, jestArguments, env, cleanup }: JestRun): Promise<Totals> {
  const reports = join(root, '.local/cache');
  const report = join(reports, `jest-${project}-${process.pid}.json`);
  await mkdir(reports, { recursive: true });
  cleanup.add(() => rm(report, { force: true }), undefined);
  const { code } = await runTool({
    root,
    script: 'node_modules/jest/bin/jest.js',
    nodeFlags: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    args: [
      ...['--selectProjects', project, '--passWithNoTests', '--json', `--outputFile=${report}`],
      ...settings[project],
      ...jestArguments,
    ],
    env: { NODE_ENV: 'test', ...env },
    cleanup,
  });
  const written = await readFile(report, 'utf8').catch(() => undefined);
  const found = written === undefined ? undefined : (JSON.parse(written) as JestReport);
  for (const line of found ? skippedLines(found) : []) console.log(line);
  const totals = found ? totalsOf(found) : { passed: 0, failed: 0, skipped: 0 };
  // Jest may also fail as a whole: a bad argument, a crash, an open handle.
  return code !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals;
}
