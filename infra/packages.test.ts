import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

/* What `npm ci` runs on the machine of whoever tries the shop. */

const read = (file: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, '..', file), 'utf8'));

/** Node itself, two that look which binary fits the machine, and one that counts installations. */
const known = ['@parcel/watcher', '@scarf/scarf', 'node', 'unrs-resolver'];

test('each package that runs something when it is installed is one that somebody has looked at', () => {
  const { packages } = read('package-lock.json') as { packages: Record<string, { hasInstallScript?: true }> };
  const running = Object.keys(packages).filter((path) => packages[path]!.hasInstallScript);
  const names = running.map((path) => path.replace(/^.*node_modules\//, ''));
  expect(names.filter((name) => !known.includes(name))).toEqual([]);
});

test('nothing is told to anybody about an installation', () => {
  expect(read('package.json')).toMatchObject({ scarfSettings: { enabled: false } });
});
