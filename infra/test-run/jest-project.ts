import { mkdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { runTool } from './tool.ts';
import { nothingRun, skippedLines, totalsOf, type JestReport, type Totals } from './totals.ts';

export const jestProjects = ['unit', 'int', 'e2e'] as const;
export type JestProject = (typeof jestProjects)[number];

// The limits are for what hangs: on a busy machine everything takes many times as long as it should.
const settings: Record<JestProject, string[]> = {
  unit: [`--maxWorkers=${availableParallelism()}`, '--testTimeout=60000'],
  // Twice as many as processors: half of the time they wait for something to start, to come again or to run out.
  int: [`--maxWorkers=${2 * availableParallelism()}`, '--testTimeout=120000'],
  // Each has its whole stack to itself: more of them than processors are not done sooner, and each takes longer.
  e2e: [`--maxWorkers=${availableParallelism()}`, '--testTimeout=240000'],
};

interface JestRun {
  root: string;
  project: JestProject;
  jestArguments: string[];
  env: Record<string, string>;
  cleanup: Cleanup;
}

const jest = {
  script: 'node_modules/jest/bin/jest.js',
  nodeFlags: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
};

/** Of these projects those that have a test file which the arguments ask for. Jest looks for them, and runs none. */
export async function projectsWith(
  projects: readonly JestProject[],
  { root, jestArguments, cleanup }: Pick<JestRun, 'root' | 'jestArguments' | 'cleanup'>,
): Promise<JestProject[]> {
  const args = ['--selectProjects', ...projects, '--listTests', ...jestArguments];
  const { code, output } = await runTool({ ...jest, root, args, cleanup, capture: true });
  if (code !== 0) return [...projects]; // whose run says better what is wrong with the arguments
  const found = new Set(output.split('\n').map(projectOf));
  return projects.filter((project) => found.has(project));
}

/** As jest.config.js tells them apart. */
function projectOf(file: string): JestProject | undefined {
  const [, kind = 'unit'] = /(?:\.(int|e2e))?\.test\.ts$/.exec(file) ?? [undefined, 'none'];
  return jestProjects.find((project) => project === kind);
}

/** Runs one project, shows Jest's own output, and answers what it counted. */
export async function runJest({ root, project, jestArguments, env, cleanup }: JestRun): Promise<Totals> {
  const reports = join(root, '.local/cache');
  const report = join(reports, `jest-${project}-${process.pid}.json`);
  await mkdir(reports, { recursive: true });
  cleanup.add(() => rm(report, { force: true }), undefined);
  const { code } = await runTool({
    ...jest,
    root,
    args: [
      ...['--selectProjects', project, '--json', `--outputFile=${report}`],
      ...settings[project],
      ...jestArguments,
    ],
    env: { NODE_ENV: 'test', ...env },
    cleanup,
  });
  const written = await readFile(report, 'utf8').catch(() => undefined);
  const found = written === undefined ? undefined : (JSON.parse(written) as JestReport);
  for (const line of found ? skippedLines(found) : []) console.log(line);
  const totals = found ? totalsOf(found) : nothingRun;
  // Jest may also fail as a whole: a bad argument, a crash, an open handle.
  return code !== 0 && totals.failed === 0
    ? { ...totals, failed: 1, failures: [`the ${project} tests as a whole (exit code ${code})`] }
    : totals;
}
