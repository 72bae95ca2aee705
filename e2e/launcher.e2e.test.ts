import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { freePort, isFree } from '../infra/launcher/free-port.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../infra/launcher/process-identity.ts';
import { findRunningStack } from '../infra/launcher/running-stack.ts';
import { temporaryFolder } from '../infra/testing/temporary-folder.ts';
import { bodyOf, send, until } from './support/http.ts';
import { password, type ProductPage } from './support/shop.ts';
import { stacks } from './support/stacks.ts';

const root = join(import.meta.dirname, '..');
// The first start hashes the passwords of 2,000 shoppers.
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
  afterEach(async () => {
    const left = running.splice(0).filter(({ child }) => child.exitCode === null && child.signalCode === null);
    for (const { child } of left) child.kill('SIGKILL');
    if (left.length > 0) await until('all gone', () => !existsSync(join(dataDir, 'run/launcher.json')), endsWithinMs);
  });
  afterAll(() => rm(dataDir, { recursive: true, force: true }));

  /** In a process group of its own, as in a terminal. */
  function npm(...args: string[]): Command {
    const child = spawn('npm', args, {
      cwd: root,
      env: { ...process.env, FLASH_SALE_DATA_DIR: dataDir },
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

  async function startOn(port: number, stack: string): Promise<Command> {
    const command = npm('start', '--', '--port', String(port), '--stack', stack);
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

  describe.each(stacks)('of the %s stack', (stack) => {
    test('prints where the shop is; SIGTERM ends it and everything that it has started', async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const command = await startOn(port, stack);
      expect(command.output()).toMatch(new RegExp(`^ready ${url}$`, 'm'));

      bodyOf(await send(url, 'GET', '/readyz'), 200);
      expect(bodyOf(await send<ProductPage>(url, 'GET', '/api/products'), 200).items).toHaveLength(20);
      const body = { email: 'shopper2000@example.com', password };
      bodyOf(await send(url, 'POST', '/api/sessions', { body }), 201);

      const audit = npm('run', 'audit');
      await expectToEnd(audit, 0);
      // On the same port as well: that it runs says more than who has the port.
      for (const another of [await freePort(), port]) {
        const second = npm('start', '--', '--port', String(another));
        await expectToEnd(second, 1);
        const { pid } = findRunningStack(dataDir).launcher;
        expect(second.output()).toContain(`The ${stack} stack runs already at ${url} (pid ${pid})`);
        expect(second.output()).toMatch(/Nothing was started[\s\S]*FLASH_SALE_DATA_DIR=/);
        expect(second.output()).not.toMatch(/is taken/);
      }

      const processes = everyProcess();
      expect(processes.length).toBeGreaterThanOrEqual(14);
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
    expect(command.output()).toMatch(/unknown argument "--prot"[\s\S]*usage: npm start/);
  });
});
