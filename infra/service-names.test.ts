import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { withoutBlocks } from './listed-blocks.ts';
import { sources } from './testing/sources.ts';

const mayName = [
  // The list, and which events each handles and tells of.
  /^contract\/src\/(services|events\/subscriptions)\.ts$/,
  // What some of them have of their own, and a new one need not: keys and channels in Redis, a colour, tables to compare.
  /^infra\/launcher\/redis-users\.ts$/,
  /^load-tests\/comparison\/charts\.ts$/,
  /^test-kit\/stack\/books\.ts$/,
];

test('what goes through all services takes them from the list: nothing else names them all', () => {
  const ours = sources(/^(?!services\/).*\.(ts|mjs|js|sh|ya?ml|conf|template)$|^Dockerfile$|^infra\/docker\/[\w-]+$/);
  expect(ours.length).toBeGreaterThan(300);
  const words = serviceNames.map((name) => new RegExp(`(?<![a-z])${name}(?![a-z])`, 'i'));
  // Tests hold what is written from the list to it: compose.test.ts and kubernetes.test.ts.
  const byHand = ours
    .filter(({ text }) => !/^# Written by `npm run \w+` .*Do not edit\.\n/.test(text))
    .map(({ file, text }) => ({ file, text: withoutBlocks(text) }));
  const naming = byHand.filter(({ text }) => words.every((word) => word.test(text))).map(({ file }) => file);
  expect(naming).toContain('contract/src/services.ts');
  expect(naming.filter((file) => !mayName.some((pattern) => pattern.test(file)))).toEqual([]);
});

test('every service has a folder, and every folder in services/ is one', () => {
  const folders = readdirSync(join(import.meta.dirname, '../services'), { withFileTypes: true }).filter((one) =>
    one.isDirectory(),
  );
  expect(folders.map(({ name }) => name).sort()).toEqual([...serviceNames].sort());
});
