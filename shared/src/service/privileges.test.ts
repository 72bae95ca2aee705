import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { dropPrivileges, runAsPattern } from './privileges.ts';

const nobody = { uid: 65_534, gid: 65_534 };
const runAs = `${nobody.uid}:${nobody.gid}`;

test.each(['0:0', '0:65534', '65534:0', 'nobody:nogroup', '65534', '-1:5', '65534:65534:1', ''])(
  '%j is nobody to become',
  (text) => {
    expect(runAsPattern.test(text)).toBe(false);
  },
);

test('without a user to become nothing happens', () => {
  const before = process.getuid?.();
  dropPrivileges(undefined);
  expect(process.getuid?.()).toBe(before);
});

// Only root can become somebody else.
(process.getuid?.() === 0 ? describe : describe.skip)('a process of root', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flash-sale-privileges-'));
    await chmod(folder, 0o700);
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function outcomeOf(code: string): Promise<unknown> {
    const script = join(folder, 'script.mjs');
    await writeFile(
      script,
      `import { dropPrivileges } from ${JSON.stringify(join(import.meta.dirname, 'privileges.ts'))};\n${code}`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    return JSON.parse(stdout);
  }

  test('becomes another user, without groups of root, and for good', async () => {
    const found = await outcomeOf(`
      dropPrivileges('${runAs}');
      const tried = (what) => { try { what(); return 'done'; } catch (error) { return error.code; } };
      console.log(JSON.stringify({
        uid: process.getuid(), euid: process.geteuid(), gid: process.getgid(), egid: process.getegid(),
        groups: process.getgroups(),
        again: [tried(() => process.setuid(0)), tried(() => process.seteuid(0)), tried(() => process.setgid(0))],
      }));`);
    const { uid, gid } = nobody;
    expect(found).toEqual({ uid, euid: uid, gid, egid: gid, groups: [gid], again: ['EPERM', 'EPERM', 'EPERM'] });
  });

  test('has loaded its code from a folder that it may not enter afterwards', async () => {
    const found = await outcomeOf(`
      import { readFileSync } from 'node:fs';
      dropPrivileges('${runAs}');
      let read = 'done';
      try { readFileSync(import.meta.filename); } catch (error) { read = error.code; }
      console.log(JSON.stringify({ read }));`);
    expect(found).toEqual({ read: 'EACCES' });
  });
});
