import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { databases } from '../launcher/database-names.ts';
import { databaseUrls, withClient } from '../launcher/databases.ts';
import { freePort } from '../launcher/free-port.ts';
import { postgresProgram, postgresUrl } from '../launcher/postgres.ts';
import { preparePrograms } from '../launcher/programs.ts';
import type { Secrets } from '../launcher/secrets.ts';
import { migrations } from '../launcher/set-up.ts';
import { serverFolder, unprivilegedUser } from '../launcher/unprivileged.ts';
import { dataFolder, prepareData } from './prepared-data.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { whileRunning } from './while-running.ts';

let home: string;
beforeAll(async () => {
  home = await temporaryFolder('prepared-data');
});
afterAll(() => rm(home, { recursive: true, force: true }));

test('a stack begins on a copy of what was prepared: nothing is left to be set up, and nothing is in it', async () => {
  const prepared = join(home, 'prepared');
  await prepareData(prepared);
  const copy = await dataFolder('copy', prepared);
  try {
    const secrets = JSON.parse(await readFile(join(copy, 'secrets.json'), 'utf8')) as Secrets;
    const [runAs, port] = [await unprivilegedUser('postgres'), await freePort()];
    const program = await postgresProgram({
      executables: (await preparePrograms(['postgres'], console.log)).postgres,
      folder: await serverFolder(copy, 'postgres', runAs),
      logFile: join(home, 'log'),
      port,
      password: secrets.postgresPassword,
      runAs,
      durable: false,
      say: (line) => expect(line).toBeUndefined(), // an empty folder would be set up here
    });
    await whileRunning([program], async () => {
      const urls = databaseUrls(postgresUrl(port, secrets.postgresPassword), secrets);
      for (const name of databases)
        await withClient(urls[name].auditor, async (db) => {
          const applied = await db.query<{ name: string }>('SELECT name FROM kysely_migration ORDER BY name');
          expect([name, applied.rows.map((row) => row.name)]).toEqual([name, Object.keys(migrations[name]).sort()]);
        });
      await withClient(urls.user.runtime, async (db) =>
        expect((await db.query('SELECT FROM account')).rowCount).toBe(0),
      );
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
});

test('where nothing was prepared, it begins with nothing', async () => {
  const folder = await dataFolder('empty');
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});
