import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { stackNames } from '@flash-sale/shared/stacks.ts';

const root = join(import.meta.dirname, '..');
/** The list itself, and the comparison, which is about two of them. */
const mayName = [
  'shared/src/stacks.ts',
  ...['plan', 'report', 'verdict'].map((name) => `load-tests/comparison/${name}.ts`),
];
const isTest = (file: string) => /\.test\.ts$|\/testing\/|\/fixtures\//.test(file);

test('what a stack is like is asked of the list: nothing else goes by its name', () => {
  const folders = [
    'shared/src',
    'infra',
    'load-tests',
    'e2e',
    ...readdirSync(join(root, 'services')).map((name) => `services/${name}`),
  ];
  const sources = folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    .filter((file) => /\.(ts|mjs|js|sh)$|^infra\/docker\/verify$/.test(file) && !/node_modules|\.local\//.test(file));
  expect(sources.length).toBeGreaterThan(300);
  const name = stackNames.join('|');
  const named = new RegExp(`(['"\`])(${name})\\1|= (${name}) \\]`);
  const naming = sources.filter((file) => !isTest(file) && named.test(readFileSync(join(root, file), 'utf8')));
  expect(naming.filter((file) => !mayName.includes(file))).toEqual([]);
});
