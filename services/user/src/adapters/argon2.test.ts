import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { chooseArgon2id } from './argon2.ts';

test('where there is no prebuilt implementation, that of Node computes the same, and says why', async () => {
  const fast = await chooseArgon2id();
  const slow = await chooseArgon2id(() => Promise.reject(new Error('no binary for this platform')));
  expect([fast.insteadOf, slow.insteadOf]).toEqual([undefined, 'Error: no binary for this platform']);
  const of = {
    message: Buffer.from('p'),
    nonce: Buffer.alloc(16, 7),
    memory: 64,
    passes: 2,
    parallelism: 1,
    tagLength: 32,
  };
  const expected = Buffer.from(fast.deriveSync(of));
  expect(Buffer.from(slow.deriveSync(of))).toEqual(expected);
  for (const one of [fast, slow]) expect(Buffer.from(await one.derive(of))).toEqual(expected);
});

/* npm forgets the binaries of other platforms when it updates a lock file beside installed packages. */
test('the lock file has a binary for each platform, whichever it was written on', () => {
  const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; optionalDependencies?: Record<string, string> }>;
  };
  const binaries = Object.entries(packages['node_modules/@node-rs/argon2']!.optionalDependencies!);
  for (const platform of ['linux-x64-gnu', 'linux-x64-musl', 'linux-arm64-gnu', 'linux-arm64-musl', 'darwin-arm64'])
    expect(binaries.map(([name]) => name)).toContain(`@node-rs/argon2-${platform}`);
  expect(binaries.map(([name]) => [name, packages[`node_modules/${name}`]?.version])).toEqual(binaries);
});
