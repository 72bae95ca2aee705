import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryFolder } from './testing/temporary-folder.ts';

/* How a command ends that could not yet answer a signal, or never can. */

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder('bootstrap');
  // Says where it is and since when it is waited for, and answers no signal.
  const source = 'console.log(process.pid, process.env.COMMAND_BEGAN_AT_MS); setInterval(() => {}, 1_000);';
  await writeFile(join(folder, 'deaf.ts'), source);
});
afterAll(() => rm(folder, { recursive: true }));

async function started(words: object) {
  const script = relative(import.meta.dirname, join(folder, 'deaf.ts'));
  const module = join(import.meta.dirname, 'bootstrap.mjs');
  const source = `import { bootstrap } from ${JSON.stringify(module)};
    await bootstrap(${JSON.stringify(script)}, ${JSON.stringify(words)});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = text(child.stderr);
  const ended = once(child, 'close') as Promise<[number]>;
  const lines: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  await once(child.stdout, 'data');
  const end = async () => ({ code: (await ended)[0], output: lines.slice(1).join(''), error: await said });
  const [pid, beganAtMs] = lines[0]!.split(' ').map(Number) as [number, number];
  return { child, pid, beganAtMs, end };
}

describe.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('a command that %s stops before it can answer', (signal) => {
  test('has ended as it was asked to, if it is one that runs until it is stopped', async () => {
    const { child, end } = await started({ stopped: 'stopped' });
    child.kill(signal);
    expect(await end()).toEqual({ code: 0, output: 'stopped\n', error: '' });
  });

  test('has not done what it was for, if it is any other', async () => {
    const { child, end } = await started({});
    child.kill(signal);
    const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
    expect(await end()).toEqual({ code: codes[signal], output: '', error: '' });
  });
});

test('one that was killed says so, and what becomes of what it had started', async () => {
  const { pid, end } = await started({ stopped: 'stopped', killed: 'the next one tidies up' });
  process.kill(pid, 'SIGKILL');
  expect(await end()).toEqual({ code: 137, output: '', error: 'ended by SIGKILL: the next one tidies up\n' });
});

test('a command knows since when it is waited for, which is longer than it runs', async () => {
  const calledAtMs = Date.now();
  const { child, beganAtMs, end } = await started({});
  child.kill('SIGTERM');
  await end();
  expect(beganAtMs).toBeGreaterThanOrEqual(calledAtMs - 1_000);
  expect(beganAtMs).toBeLessThan(Date.now());
});
