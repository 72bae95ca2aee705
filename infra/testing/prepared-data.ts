import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../launcher/free-port.ts';
import { postgresProgram, postgresUrl } from '../launcher/postgres.ts';
import { preparePrograms } from '../launcher/programs.ts';
import { runCommand } from '../launcher/run-command.ts';
import { loadSecrets } from '../launcher/secrets.ts';
import { setUpDatabases } from '../launcher/set-up.ts';
import { serverFolder, unprivilegedUser } from '../launcher/unprivileged.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { whileRunning } from './while-running.ts';

/**
 * Makes a data folder as a first start leaves it: secrets, and PostgreSQL with all databases, roles and tables, but no row. Stacks of
 * tests begin on copies of it, each of which costs a fraction of the CPU of making it anew.
 * @param dataDir is made
 */
export async function prepareData(dataDir: string): Promise<void> {
  await mkdir(dataDir, { mode: 0o711 });
  const secrets = await loadSecrets(join(dataDir, 'secrets.json'));
  const { postgres: executables } = await preparePrograms(['postgres'], console.log);
  const runAs = await unprivilegedUser('postgres');
  const folder = await serverFolder(dataDir, 'postgres', runAs);
  const [port, password] = [await freePort(), secrets.postgresPassword];
  const logFile = join(dataDir, 'prepare.log');
  const program = await postgresProgram({ executables, folder, logFile, port, password, runAs, durable: false });
  await whileRunning([program], () => setUpDatabases(postgresUrl(port, password), secrets));
}

/** An own folder for a stack: a copy of what `npm test` has prepared, or an empty one where it has prepared nothing. */
export async function dataFolder(name: string, prepared = process.env.TEST_PREPARED_DATA): Promise<string> {
  const dataDir = await temporaryFolder(name);
  if (prepared === undefined) return dataDir;
  // With its owners, which no function of Node keeps: PostgreSQL serves no data but that of its own user.
  const { code, output } = await runCommand('cp', ['-a', `${prepared}/.`, dataDir]);
  if (code !== 0) throw new Error(`${prepared} could not be copied: ${output}`);
  return dataDir;
}
