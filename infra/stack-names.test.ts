import { expect, test } from '@jest/globals';
import { stackNames } from '@flash-sale/shared/stacks.ts';
import { sources } from './testing/sources.ts';

/** The list itself, and the comparison, which is about two of them. */
const mayName = [
  'shared/src/stacks.ts',
  ...['plan', 'report', 'verdict'].map((name) => `load-tests/comparison/${name}.ts`),
];

test('what a stack is like is asked of the list: nothing else goes by its name', () => {
  const programs = sources(
    /^(contract\/src|shared\/src|infra|load-tests|test-kit|behaviour|e2e|services)\/.*\.(ts|mjs|js|sh)$|^infra\/docker\/verify$/,
  );
  expect(programs.length).toBeGreaterThan(300);
  const name = stackNames.join('|');
  const named = new RegExp(`(['"\`])(${name})\\1|= (${name}) \\]`);
  const naming = programs.filter(({ text }) => named.test(text)).map(({ file }) => file);
  expect(naming.filter((file) => !mayName.includes(file))).toEqual([]);
});
