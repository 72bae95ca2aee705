import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { freePort } from '../../../infra/launcher/free-port.ts';
import { eventually } from '../testing/eventually.ts';
import { jsonClient, testEnvironment } from '../testing/service.ts';

const main = join(import.meta.dirname, '../../../services/order/src/main.ts');
let database: TestDatabase;
const children: ChildProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase('order');
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await database.drop();
});

const fullDisk = () => openSync('/dev/full', 'a');

test.each([
  ['on a full disk', fullDisk],
  ['read by nobody any more', undefined],
])('a service whose log is %s goes on, and stops when it is told to', async (_, openOutput) => {
  const port = await freePort();
  const env = {
    ...process.env,
    ...testEnvironment({
      STACK: 'sync',
      PORT: String(port),
      LOG_LEVEL: 'debug',
      DATABASE_URL: database.url,
      MIGRATION_DATABASE_URL: database.ownerUrl,
    }),
  };
  const fd = openOutput?.();
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', fd ?? 'pipe', fd ?? 'pipe'] });
  children.push(child);
  if (fd !== undefined) closeSync(fd);
  child.stdout?.destroy();
  child.stderr?.destroy();
  const call = jsonClient(`http://127.0.0.1:${port}`);
  await eventually(async () => expect((await call('GET', '/readyz')).status).toBe(200));
  // More than is gathered, and longer than it waits: the log is written to, again and again.
  const untilMs = performance.now() + 1_000;
  for (let n = 0; n < 500 || performance.now() < untilMs; n += 1)
    expect((await call('GET', '/api/nothing-here')).status).toBe(404);

  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});
