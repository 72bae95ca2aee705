import { expect, test } from '@jest/globals';
import { stackNames } from '@flash-sale/shared/stacks.ts';
import { sources } from './testing/sources.ts';

test('what a stack is like is asked of the list: nothing else goes by its name', () => {
  const programs = sources(
    /^(contract\/src|shared\/src|infra|load-tests|test-kit|behaviour|e2e|services)\/.*\.(ts|mjs|js|sh)$|^infra\/docker\/verify$/,
  );
  expect(programs.length).toBeGreaterThan(300);
  const name = stackNames.join('|');
  const named = new RegExp(`(['"\`])(${name})\\1|= (${name}) \\]`);
  const naming = programs.filter(({ text }) => named.test(text)).map(({ file }) => file);
  expect(naming).toEqual(['shared/src/stacks.ts']);
});
