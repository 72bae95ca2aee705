import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { layouts } from '@flash-sale/shared/layouts.ts';
import { stackNames, stacks } from '@flash-sale/shared/stacks.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { freePort, isFree } from '../infra/launcher/free-port.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../infra/launcher/process-identity.ts';
import { findRunningStack } from '../infra/launcher/running-stack.ts';
import { plainFolder } from '../infra/launcher/unprivileged.ts';
import { temporaryFolder } from '../infra/testing/temporary-folder.ts';
import { bodyOf, send } from '../test-kit/http.ts';
import { until } from '../test-kit/until.ts';
import { password, type ProductPage } from '../test-kit/stack/shop.ts';

const root = join(import.meta.dirname, '..');
// The first start makes everything, the accounts of 2,000 shoppers among it.
const readyWithinMs = 240_000;
const endsWithinMs = 60_000;
jest.setTimeout(readyWithinMs + 2 * endsWithinMs);

interface Command {
  child: ChildProcess;
  output: () => string;
  ended: Promise<number | null>;
}

describe('npm start', () => {
  let dataDir: string;
  const running: Command[] = [];
  beforeAll(async () => {
    dataDir = await temporaryFolder('start');
  });
  // Whatever a test has left behind; the stack sees that npm is gone, and stops.
  const endAll = async (data = dataDir) => {
    const left = running.splice(0).filter(({ child }) => child.exitCode === null && child.signalCode === null);
    for (const { child } of left) child.kill('SIGKILL');
    if (left.length > 0) await until('all gone', () => !existsSync(join(data, 'run/launcher.json')), endsWithinMs);
  };
  afterEach(() => endAll());
  afterAll(() => rm(dataDir, { recursive: true, force: true }));

  const npm = (...args: string[]) => npmIn(root, dataDir, ...args);

  /** In a process group of its own, as in a terminal. */
  function npmIn(clone: string, data: string, ...args: string[]): Command {
    const child = spawn('npm', args, {
      cwd: clone,
      env: { ...process.env, FLASH_SALE_DATA_DIR: data },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const command = { child, output: () => text, ended };
    running.push(command);
    return command;
  }

  async function expectToEnd({ ended, output }: Command, expected: number): Promise<void> {
    const code = await ended;
    expect({ code, output: output() }).toEqual({ code: expected, output: output() });
  }

  const startOn = (port: number, stack: string) =>
    untilReady(npm('start', '--', '--port', String(port), '--stack', stack));

  async function untilReady(command: Command): Promise<Command> {
    const isReady = () => /^ready /m.test(command.output());
    const isOver = () => command.child.exitCode !== null;
    await until('ready', () => isReady() || isOver(), readyWithinMs);
    if (!isReady()) throw new Error(`npm start has ended:\n${command.output()}`);
    return command;
  }

  const everyProcess = (): ProcessIdentity[] => {
    const { launcher, processes } = findRunningStack(dataDir);
    return [launcher, ...processes.flatMap(({ pid }) => (pid === undefined ? [] : (identityOf(pid) ?? [])))];
  };

  describe.each(stackNames)('of the %s stack', (stack) => {
    test('prints where the shop is; SIGTERM ends it and everything that it has started', async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const command = await startOn(port, stack);
      expect(command.output()).toMatch(new RegExp(`^ready ${url}$`, 'm'));

      const worthOpening = [...command.output().matchAll(/^ {2}.* (http:\S+)/gm)].map(([, address]) => address!);
      expect(worthOpening).toHaveLength(4);
      for (const address of worthOpening)
        await eventually(async () => expect([address, (await fetch(address)).status]).toEqual([address, 200]));
      await eventually(async () => bodyOf(await send(url, 'GET', '/readyz'), 200));
      expect(bodyOf(await send<ProductPage>(url, 'GET', '/api/products'), 200).items).toHaveLength(20);
      const body = { email: 'shopper2000@example.com', password };
      bodyOf(await send(url, 'POST', '/api/sessions', { body }), 201);

      const isRefused = async (another: number) => {
        const second = npm('start', '--', '--port', String(another));
        await expectToEnd(second, 1);
        const { pid } = findRunningStack(dataDir).launcher;
        expect(second.output()).toContain(`The ${stack} stack runs already at ${url} (pid ${pid})`);
        expect(second.output()).toMatch(/Nothing was started[\s\S]*FLASH_SALE_DATA_DIR=/);
        expect(second.output()).not.toMatch(/is taken/);
      };
      // On the same port as well: that it runs says more than who has the port.
      await Promise.all([expectToEnd(npm('run', 'audit'), 0), isRefused(await freePort()), isRefused(port)]);

      const processes = everyProcess();
      const ofServices = layouts[stacks[stack].layouts[0]].together ? 2 : 2 * serviceNames.length;
      // Besides the launcher itself, PostgreSQL, Redis and nginx.
      expect(processes.length).toBeGreaterThanOrEqual(4 + ofServices);
      command.child.kill('SIGTERM');
      await expectToEnd(command, 0);
      expect(processes.filter(isAlive)).toEqual([]);
      expect(await isFree(port, '127.0.0.1')).toBe(true);
    });

    test('ends with Ctrl-C as well, after a start on the data that is there', async () => {
      const command = await startOn(await freePort(), stack);
      const processes = everyProcess();
      // A terminal tells every process of the group.
      process.kill(-command.child.pid!, 'SIGINT');
      await command.ended;
      await until('all gone', () => !processes.some(isAlive), endsWithinMs);
      expect(command.output()).toMatch(/^stopped$/m);
    });
  });

  test('in a clone of any name, for all addresses and behind a proxy, counts each shopper by the limits', async () => {
    // Each character by which some program ends a word, begins a comment or a variable, or reads a list of files.
    const home = await temporaryFolder(` a b'c"d$e\${f}#g;h{i}j%20k&(m)[n]~\`o!|<p>?q=,:@é -`);
    const [clone, data] = [join(home, 'clone'), join(home, 'data*\\')]; // below those two, Node finds no program
    const link = await plainFolder(join(data, 'data/rabbitmq'));
    try {
      for (const name of ['contract', 'infra', 'nginx', 'services', 'shared', 'package.json', 'package-lock.json'])
        await cp(join(root, name), join(clone, name), {
          recursive: true,
          filter: (path) => !path.endsWith('node_modules'),
        });
      await symlink(join(root, 'node_modules'), join(clone, 'node_modules'));
      const port = await freePort();
      const options = ['--host', '::', '--no-demo', '--no-metrics', '--set', 'EDGE_TRUSTED_PROXIES=127.0.0.1'];
      const command = await untilReady(npmIn(clone, data, 'start', '--', '--port', String(port), ...options));
      expect(command.output()).toMatch(new RegExp(`^ready http://127.0.0.1:${port}$`, 'm'));

      let shoppers = 0;
      const register = async (host: string, from: string) => {
        const body = { email: `shopper${++shoppers}@example.com`, password: 'a password of some length' };
        const headers = { 'x-forwarded-for': from };
        let status = 503; // on a busy machine there may be no place for a password
        const ask = () => send(`http://${host}:${port}`, 'POST', '/api/users', { body, headers });
        await until('a place', async () => (status = (await ask()).status) !== 503);
        return status;
      };
      // Loopback is exempt in the demo alone, and a proxy there not at all.
      for (const [host, from] of [
        ['127.0.0.1', '203.0.113.7'],
        ['[::1]', '203.0.113.9'],
      ] as const) {
        const answers = new Set<number>();
        for (let n = 0; n <= 30; n++) answers.add(await register(host, from));
        expect([host, answers]).toEqual([host, new Set([201, 429])]);
      }
      expect(await register('127.0.0.1', '203.0.113.7')).toBe(429);
      expect(await register('127.0.0.1', '203.0.113.8')).toBe(201);
      expect(await register('[::1]', '203.0.113.10')).toBe(429); // is no proxy, whatever it says
      command.child.kill('SIGTERM');
      await expectToEnd(command, 0);
    } finally {
      await endAll(data); // or what went wrong would be told of as a folder that is still written to
      await rm(home, { recursive: true, force: true });
      await rm(dirname(link), { recursive: true, force: true });
    }
  });

  test.each<[string[], number, RegExp]>([
    [
      ['--host', '203.0.113.1', '--no-demo'],
      1,
      /^--host 203\.0\.113\.1 is no address of this machine \(EADDRNOTAVAIL\)$/m,
    ],
    [
      ['--set', 'EDGE_TRUSTED_PROXIES=everybody'],
      2,
      /^--set EDGE_TRUSTED_PROXIES: "everybody" is not an address or CIDR\nnpm start -- --help .*$/m,
    ],
    [
      ['--set', 'HOLD_TTL_MS=abc'],
      2,
      /^--set HOLD_TTL_MS: must be a whole number from 1 to \d+, not "abc"\nnpm start -- --help .*$/m,
    ],
  ])('refuses %j in one sentence, with %i', async (options, code, sentence) => {
    const command = npm('start', '--', '--port', String(await freePort()), '--stack', 'sync', ...options);
    await expectToEnd(command, code);
    expect(command.output()).toMatch(sentence);
    expect(command.output()).not.toMatch(/\n\s+at /);
  });

  test('says who holds the port', async () => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port));
    });
    try {
      const command = npm('start', '--', '--port', String(port));
      await expectToEnd(command, 1);
      expect(command.output()).toMatch(new RegExp(`^port ${port} is taken by .*--port`, 'm'));
      expect(command.output()).not.toMatch(/\n\s+at /);
    } finally {
      holder.close();
    }
  });

  test('explains its arguments to whoever mistypes one', async () => {
    const command = npm('start', '--', '--prot', '8080');
    await expectToEnd(command, 2);
    expect(command.output()).toMatch(/Unknown option '--prot'.*\nnpm start -- --help tells how it is used\n$/);
  });
});
