import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { stateOf } from '../launcher/process-identity.ts';

// Seconds are what it is about, and a busy machine takes its own.
jest.setTimeout(60_000);

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('the first process of a container', () => {
  const groups: number[] = [];
  afterEach(() => {
    for (const pid of groups.splice(0)) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // All of it has ended.
      }
    }
  });

  /** Runs a script that first prints its pid. */
  async function run(script: string) {
    const command = ['node', '-e', `console.log(process.pid); ${script}`];
    const child = spawn(join(import.meta.dirname, 'run-watched'), command, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    groups.push(child.pid!);
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    const ended = once(child, 'close') as Promise<[number | null]>;
    let printed = '';
    child.stdout.on('data', (data: Buffer) => (printed += data.toString()));
    // Several lines may come in one piece, or one in several.
    const untilPrinted = (line: RegExp) => eventually(() => expect(printed).toMatch(line));
    await untilPrinted(/^\d+\n/);
    return {
      child,
      pid: Number.parseInt(printed),
      untilPrinted,
      ended: ended.then(([code]) => code),
      said: () => said,
    };
  }

  test('ends as its command ends', async () => {
    expect(await (await run('process.exit(3)')).ended).toBe(3);
    expect(await (await run('process.kill(process.pid, "SIGKILL")')).ended).toBe(137);
  });

  test('passes a signal to stop on, and waits until that is done', async () => {
    const stopping =
      'process.on("SIGTERM", () => setTimeout(() => process.exit(0), 500)); setInterval(() => {}, 1_000);';
    const { child, untilPrinted, ended } = await run(`${stopping} console.log("listens")`);
    await untilPrinted(/listens/);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('kills a command that does not run, and ends', async () => {
    const { pid, ended, said } = await run('setInterval(() => {}, 1_000)');
    process.kill(pid, 'SIGSTOP');
    expect(await ended).toBe(137);
    expect(said()).toContain(`process ${pid} has been stopped for 2 s: killing it`);
  });

  test('leaves one alone whose event loop is blocked for longer than that', async () => {
    const { pid, ended } = await run(
      'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000); process.exit(5)',
    );
    expect(await ended).toBe(5);
    await eventually(() => expect(stateOf(pid)).toBeUndefined());
  });
});
