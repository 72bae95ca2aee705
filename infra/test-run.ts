/**
 * `npm test [-- lint|unit|int|e2e [jest arguments]]`: the checks of the code, then the tests in Jest, one project after
 * the other. The last line is `N passed, N failed, N skipped` over everything; exit code 1 if something failed or
 * nothing ran.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit } from './command-line.ts';
import { Cleanup } from './test-run/cleanup.ts';
import { runChecks } from './test-run/checks.ts';
import { projectsWith, runJest } from './test-run/jest-project.ts';
import { parseTestArguments, usage, type Stage } from './test-run/test-arguments.ts';
import { add, nothingRun, verdictOf, type Totals } from './test-run/totals.ts';
import { offerTestBroker } from './test-run/test-broker.ts';
import { prepareData } from './testing/prepared-data.ts';
import { startTestPostgres, startTestRedis } from './testing/servers.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { preparePrograms } from './launcher/programs.ts';

const root = join(import.meta.dirname, '..');
const { stages, jestArguments } = argumentsOrExit(parseTestArguments, usage);
const cleanup = new Cleanup();
cleanup.onSignals();

let totals = nothingRun;
try {
  const asked = await stagesWithTests();
  if (asked.some((stage) => stage === 'int' || stage === 'e2e')) {
    await preparePrograms(['postgres', 'redis', 'rabbitmq', 'erlang', 'nginx', 'influxdb'], console.log);
  }
  for (const stage of asked) {
    if (!cleanup.interrupted) totals = add(totals, await run(stage));
  }
} catch (error) {
  if (!cleanup.interrupted) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(reason);
    totals = add(totals, { ...nothingRun, failed: 1, failures: [reason] });
  }
} finally {
  await cleanup.run();
}
const { lines, exitCode } = verdictOf(totals);
console.log(lines.join('\n'));
process.exit(cleanup.interrupted ? 130 : exitCode);

/** Of the stages those in which something is to be done. */
async function stagesWithTests(): Promise<readonly Stage[]> {
  const projects = stages.filter((stage) => stage !== 'lint');
  if (jestArguments.length === 0 || projects.length === 0) return stages;
  const found = await projectsWith(projects, { root, jestArguments, cleanup });
  if (found.length === 0 && !cleanup.interrupted)
    console.error(
      `no ${projects.join(', ')} test has a path like ${jestArguments.join(' ')}; npm test -- --help tells how they are named`,
    );
  return found;
}

async function run(stage: Stage): Promise<Totals> {
  if (stage === 'lint') return runChecks(root, cleanup);
  const folder = await folderForTests();
  const env = { TMPDIR: folder, ...(await prepareFor(stage, folder)) };
  if (cleanup.interrupted) return nothingRun;
  return runJest({ root, project: stage, jestArguments, env, cleanup });
}

/** What tests of this kind share, as they are told of it. */
async function prepareFor(stage: Exclude<Stage, 'lint'>, folder: string): Promise<Record<string, string>> {
  if (stage === 'int') return startServersForTests();
  if (stage === 'unit') return {};
  const prepared = join(folder, 'prepared');
  await prepareData(prepared);
  return { TEST_PREPARED_DATA: prepared };
}

async function startServersForTests(): Promise<Record<string, string>> {
  const postgres = startTestPostgres().then((server) => cleanup.add(() => server.close(), server));
  const redis = startTestRedis().then((server) => cleanup.add(() => server.close(), server));
  const broker = offerTestBroker().then((offer) => cleanup.add(() => offer.close(), offer));
  return {
    TEST_DATABASE_URL: (await postgres).url,
    TEST_REDIS_URL: (await redis).url,
    TEST_BROKER_URL: (await broker).url,
  };
}

/** Tests that are broken off cannot tidy up: whatever they leave is in here, and goes away with it. */
async function folderForTests(): Promise<string> {
  const folder = await temporaryFolder('run');
  // Their servers may need a moment to notice.
  const patiently = { recursive: true, force: true, maxRetries: 20, retryDelay: 100 };
  return cleanup.add(() => rm(folder, patiently), folder);
}
