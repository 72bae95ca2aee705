import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { settingOf } from '@flash-sale/shared/service/environments.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient, testEnvironment } from '@flash-sale/shared/testing/service.ts';
import { withClient } from '../infra/launcher/databases.ts';
import { freePort } from '../infra/launcher/free-port.ts';
import { createTestDatabase, type TestDatabase } from '../infra/testing/database.ts';

/* All services in one process. */

type Settings = Record<string, string>;
const nobody = 'postgres://nobody@127.0.0.1:9/none';
const databases = {} as Record<ServiceName | 'gateway', TestDatabase>;
let child: ChildProcess | undefined;

beforeAll(async () => {
  for (const name of [...serviceNames, 'gateway'] as const) databases[name] = await createTestDatabase(name);
});
afterEach(() => void child?.kill('SIGKILL'));
afterAll(async () => {
  for (const database of Object.values(databases)) await database.drop();
});

async function environments(changes: Partial<Record<ServiceName, Settings>> = {}) {
  const own: Partial<Record<ServiceName, Settings>> = {};
  for (const name of serviceNames) {
    own[name] = testEnvironment({
      STACK: 'sync',
      LOG_LEVEL: 'info',
      LAUNCHER_PIPE: '1',
      PORT: String(await freePort()),
      DATABASE_URL: databases[name].url,
      MIGRATION_DATABASE_URL: databases[name].ownerUrl,
      ...(name === 'payment'
        ? {
            GATEWAY_DATABASE_URL: databases.gateway.url,
            GATEWAY_MIGRATION_DATABASE_URL: databases.gateway.ownerUrl,
          }
        : {}),
      ...changes[name],
    });
  }
  return own as Record<ServiceName, Settings>;
}

const start = (ofEach: Partial<Record<ServiceName, Settings>>) => {
  const settings = serviceNames.flatMap((service) =>
    Object.entries(ofEach[service] ?? {}).map(([name, value]) => [settingOf(service, name), value] as const),
  );
  return run('main.ts', Object.fromEntries(settings));
};

function run(main: string, settings: Settings) {
  const env = { ...process.env, ...settings };
  const args = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, main)];
  const started = (child = spawn(process.execPath, args, { env, stdio: 'pipe' }));
  return { process: started, logged: text(started.stdout), said: text(started.stderr), ended: once(started, 'exit') };
}

test.each([
  ['sync', 'SIGTERM'],
  ['monolith', 'the end of its input'],
])(
  'each answers at its own port (%s), and all end with %s; each line of the log says whose it is',
  async (stack, how) => {
    const ofEach = await environments(Object.fromEntries(serviceNames.map((name) => [name, { STACK: stack }])));
    const { process, logged, ended } = start(ofEach);
    const call = (name: ServiceName) => jsonClient(`http://127.0.0.1:${ofEach[name]['PORT']}`);
    for (const name of serviceNames)
      await eventually(async () => expect((await call(name)('GET', '/readyz')).status).toBe(200), 60_000);

    // CPU and memory are the process's, and told once.
    const pages = new Map<ServiceName, string>();
    for (const name of serviceNames)
      pages.set(name, await (await fetch(`http://127.0.0.1:${ofEach[name]['PORT']}/metrics`)).text());
    const cpu = /^process_cpu_seconds_total\{.*\}/gm;
    expect([...pages.values()].flatMap((page) => page.match(cpu) ?? [])).toEqual([
      expect.stringContaining('service="services"'),
    ]);
    for (const [name, page] of pages)
      expect(page).toMatch(new RegExp(`^flash_sale_batch_items_count\\{.*"${name}"`, 'm'));

    if (how === 'SIGTERM') process.kill('SIGTERM');
    else process.stdin.end();
    expect(await ended).toEqual([0, null]);
    const lines = (await logged)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { service: string; msg: string });
    for (const what of ['ready', 'stopped'])
      expect(lines.flatMap(({ service, msg }) => (msg === what ? service : [])).toSorted()).toEqual(
        serviceNames.toSorted(),
      );
    expect(lines.filter(({ service }) => !serviceNames.includes(service as ServiceName))).toEqual([]);
  },
);

test('one that cannot start is named with the reason; the others stop in order', async () => {
  const { said, ended } = start(await environments({ order: { MIGRATION_DATABASE_URL: nobody } }));
  expect(await ended).toEqual([1, null]);
  expect((await said).split('\n')[0]).toMatch(/^services cannot start: order: .*127\.0\.0\.1:9/);
  const leases = `SELECT id FROM process WHERE expires_at > now()`;
  const { rows } = await withClient(databases.inventory.adminUrl, (client) => client.query(leases));
  expect(rows).toEqual([]);
});

test('one whose configuration is not usable is named, and nothing is started', async () => {
  const { said, ended } = start(await environments({ payment: { GATEWAY_TIMEOUT_MS: 'soon' } }));
  expect(await ended).toEqual([78, null]);
  expect(await said).toMatch(
    /^The configuration of payment is not usable; nothing was started\.\n {2}GATEWAY_TIMEOUT_MS: /,
  );
});

test('of several whose configuration is not usable all are told', async () => {
  const { said, ended } = start(
    await environments({ order: { PORT: 'http' }, payment: { GATEWAY_TIMEOUT_MS: 'soon' } }),
  );
  expect(await ended).toEqual([78, null]);
  const refused = (name: string) => `The configuration of ${name} is not usable; nothing was started.`;
  expect((await said).split('\n').filter((line) => !line.startsWith('  '))).toEqual([
    refused('order'),
    refused('payment'),
    '',
  ]);
  expect(await said).toMatch(/^ {2}PORT: .*\n[^]*^ {2}GATEWAY_TIMEOUT_MS: /m);
});

test('a process of one service is none of a stack whose events do not leave a process: that is said in one line', async () => {
  const { order } = await environments({ order: { STACK: 'monolith' } });
  const { said, ended } = run('order/src/main.ts', order);
  expect(await ended).toEqual([1, null]);
  expect((await said).split('\n')[0]).toMatch(
    /^order cannot start: the stack monolith has the layout shared \(.*\), not separate$/,
  );
});

test('services that disagree about their process do not start', async () => {
  const { said, ended } = start(await environments({ user: { STACK: 'async' } }));
  expect(await ended).toEqual([1, null]);
  expect(await said).toMatch(/^services cannot start: STACK is the same for all services of a process/);
});

test('a process that is told nothing of its services names each, and what it lacks', async () => {
  const { said, ended } = start({});
  expect(await ended).toEqual([78, null]);
  for (const name of serviceNames)
    expect(await said).toMatch(
      new RegExp(
        `^The configuration of ${name} is not usable; nothing was started\\.\n(?: {2}.*\n)*? {2}DATABASE_URL: `,
        'm',
      ),
    );
});

test('settings of a service that there is not are refused', async () => {
  const { said, ended } = run('main.ts', { TILL__PORT: '1' });
  expect(await ended).toEqual([78, null]);
  expect(await said).toMatch(
    /^The configuration is not usable; nothing was started\.\n {2}TILL__PORT: there is no service till\n/,
  );
});
