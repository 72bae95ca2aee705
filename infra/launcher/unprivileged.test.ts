import { chown, lstat, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { runCommand } from './run-command.ts';
import { masterFolder, serverFolder, unprivilegedUser, writeFor, type RunAs } from './unprivileged.ts';

let home: string;
let victim: string;
beforeEach(async () => {
  home = await temporaryFolder('unprivileged');
  victim = join(home, 'victim');
  await writeFile(victim, 'of somebody else', { mode: 0o600 });
});
afterEach(() => rm(home, { recursive: true }));

const untouched = async () => {
  const { uid } = await lstat(victim);
  expect([await readFile(victim, 'utf8'), uid]).toEqual(['of somebody else', process.getuid?.()]);
};

test('what is written for a server does not follow what its user has put there', async () => {
  const file = join(home, 'file');
  await symlink(victim, file);
  await writeFor(undefined, file, 'new', 0o600);
  await untouched();
  expect([(await lstat(file)).isFile(), await readFile(file, 'utf8')]).toEqual([true, 'new']);
});

// Who is not root runs everything as one user.
(process.getuid?.() === 0 ? describe : describe.skip)('started by root', () => {
  let runAs: RunAs;
  beforeEach(async () => {
    runAs = (await unprivilegedUser('nginx'))!;
  });
  const asItsUser = async (folder: string, script: string) =>
    (await runCommand('/bin/sh', ['-c', script], { runAs, cwd: folder })).code;

  test('what is written for a server is its user’s alone', async () => {
    const folder = await serverFolder(home, 'server', runAs);
    await writeFor(runAs, join(folder, 'file'), 'a secret', 0o400);
    const { uid, gid, mode } = await lstat(join(folder, 'file'));
    expect([uid, gid, mode & 0o777]).toEqual([runAs.uid, runAs.gid, 0o400]);
    expect(await asItsUser(folder, 'cat file')).toBe(0);
  });

  test('the folder of a master is root’s, whoever had it before and whatever that one has left in it', async () => {
    const before = join(home, 'data/server');
    await mkdir(join(before, 'client-body'), { recursive: true });
    await symlink(victim, join(before, 'nginx.conf'));
    await symlink(home, join(before, 'proxy'));
    for (const name of ['', 'client-body']) await chown(join(before, name), runAs.uid, runAs.gid);
    const folder = await masterFolder(home, 'server', runAs);
    await writeFile(join(folder, 'nginx.conf'), 'new', { mode: 0o600 });
    await untouched();
    for (const script of ['echo x > nginx.conf', 'mv nginx.conf other', 'touch new', 'cat nginx.conf'])
      expect([script, await asItsUser(folder, script)]).not.toEqual([script, 0]);
    await mkdir(join(folder, 'given'));
    await chown(join(folder, 'given'), runAs.uid, runAs.gid);
    expect(await asItsUser(folder, 'touch given/file')).toBe(0);
  });
});
