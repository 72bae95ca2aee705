import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from '../../../infra/launcher/free-port.ts';
import { withClient } from '../../../infra/launcher/databases.ts';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { migrations } from '../../../services/order/migrations/index.ts';
import { migrate } from '../db/migrate.ts';
import { eventually } from '../testing/eventually.ts';
import { jsonClient, testEnvironment } from '../testing/service.ts';

/* A process that is started before the set-up of its release, or after that of the next one. */

const main = join(import.meta.dirname, '../../../services/order/src/main.ts');
let database: TestDatabase;
let child: ChildProcess | undefined;

beforeEach(async () => {
  database = await createTestDatabase('order');
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await database.drop();
});

async function start({ mayMigrate }: { mayMigrate: boolean }) {
  const port = await freePort();
  const env = {
    ...process.env,
    ...testEnvironment({ STACK: 'sync', PORT: String(port), DATABASE_URL: database.url }),
    MIGRATION_DATABASE_URL: mayMigrate ? database.ownerUrl : undefined,
  };
  child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  return { process: child, said: text(child.stderr!), call: jsonClient(`http://127.0.0.1:${port}`) };
}

test('says before the set-up in one sentence what is missing, and ends with 1', async () => {
  const last = Object.keys(migrations).at(-1)!;
  await migrate(database.ownerUrl, Object.fromEntries(Object.entries(migrations).slice(0, -1)));
  const { process, said } = await start({ mayMigrate: false });
  expect(await once(process, 'exit')).toEqual([1, null]);
  expect((await said).split('\n')[0]).toMatch(
    new RegExp(
      `^order cannot start: the database \\w+ lacks the migrations ${last}: run the set-up of this release first`,
    ),
  );
});

test.each([{ mayMigrate: false }, { mayMigrate: true }])(
  'starts after the set-up of a later release ($mayMigrate)',
  async ({ mayMigrate }) => {
    await migrate(database.ownerUrl, migrations);
    await withClient(database.ownerUrl, (client) =>
      client.query(`INSERT INTO kysely_migration VALUES ('9999-of-a-later-release', '2999-01-01T00:00:00.000Z')`),
    );
    const { call } = await start({ mayMigrate });
    await eventually(async () => expect((await call('GET', '/readyz')).status).toBe(200));
  },
);
