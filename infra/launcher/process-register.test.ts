import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { identityOf, isAlive } from './process-identity.ts';
import { AlreadyRunning, ProcessRegister } from './process-register.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flash-sale-register-'));
});
afterEach(() => rm(folder, { recursive: true }));

const silent = () => undefined;

function aProcess() {
  const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
  return { child, pid: child.pid ?? 0, ended: once(child, 'exit') };
}

describe('the register of processes', () => {
  test('lets one launcher at a time use a folder', async () => {
    const register = await ProcessRegister.claim(folder, silent);
    await expect(ProcessRegister.claim(folder, silent)).rejects.toThrow(AlreadyRunning);
    await expect(ProcessRegister.claim(folder, silent)).rejects.toThrow(
      new RegExp(
        `^A stack is being started already \\(pid ${process.pid}\\), .*kill ${process.pid}.*FLASH_SALE_DATA_DIR=`,
        's',
      ),
    );
    register.release();
    (await ProcessRegister.claim(folder, silent)).release();
  });

  test('takes over from a launcher that was killed, and stops what it left behind', async () => {
    const left = aProcess();
    (await ProcessRegister.claim(folder, silent)).add('left-behind', left.pid, 'SIGTERM');
    await writeFile(join(folder, 'launcher.json'), JSON.stringify({ pid: left.pid, startedAt: 'long ago' }));

    const said: string[] = [];
    (await ProcessRegister.claim(folder, (line) => said.push(line))).release();

    expect(await left.ended).toEqual([null, 'SIGTERM']);
    expect(said.join()).toContain('left-behind');
  });

  test('says that nothing is left of a launcher that was killed, and nothing of one that has ended', async () => {
    const said: string[] = [];
    const claim = () => ProcessRegister.claim(folder, (line) => said.push(line));
    const gone = aProcess();
    const identity = identityOf(gone.pid);
    gone.child.kill('SIGKILL');
    await gone.ended;
    await writeFile(join(folder, 'launcher.json'), JSON.stringify(identity));
    (await claim()).release();
    expect(said).toEqual(['an earlier run was killed; nothing that it had started runs any more']);
    (await claim()).release();
    expect(said).toHaveLength(1);
  });

  test('leaves alone a later process with the pid of an old one', async () => {
    const stranger = aProcess();
    (await ProcessRegister.claim(folder, silent)).add('old', stranger.pid, 'SIGTERM');
    const file = join(folder, 'processes.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/"startedAt": "[^"]*"/, '"startedAt": "long ago"'));
    await rm(join(folder, 'launcher.json'));

    (await ProcessRegister.claim(folder, silent)).release();

    expect(identityOf(stranger.pid)).toBeDefined();
    stranger.child.kill('SIGKILL');
    await stranger.ended;
  });

  test('a process that has ended is not alive', async () => {
    const { child, pid, ended } = aProcess();
    const identity = identityOf(pid);
    expect(identity && isAlive(identity)).toBe(true);
    child.kill('SIGKILL');
    await ended;
    expect(identity && isAlive(identity)).toBe(false);
  });
});
