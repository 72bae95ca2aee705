import { afterAll, beforeAll, describe } from '@jest/globals';
import { startTestStack, type TestStack } from '../../infra/testing/stack.ts';
import type { StackOptions } from '../../infra/launcher/stack-types.ts';
import { Shop } from './shop.ts';

/** The same tests run on each of these. */
export const stacks = ['sync', 'async'] as const;

const startWithinMs = 180_000;
const stopWithinMs = 60_000;

/** Describes what holds on every stack; `theShop` may be called from within tests and hooks. */
export function onEachStack(
  title: string,
  options: Omit<Partial<StackOptions>, 'stack' | 'dataDir'>,
  tests: (theShop: () => Shop) => void,
  kinds: readonly (typeof stacks)[number][] = stacks,
): void {
  describe.each(kinds)(`${title} (%s)`, (kind) => {
    let own: TestStack | undefined;
    let shop: Shop | undefined;
    beforeAll(async () => {
      const log: string[] = [];
      own = await startTestStack({ ...options, stack: kind, onLog: (line) => log.push(line) });
      shop = new Shop(own.stack, log);
    }, startWithinMs);
    afterAll(() => own?.close(), stopWithinMs);
    tests(() => {
      if (!shop) throw new Error('the stack did not start');
      return shop;
    });
  });
}
