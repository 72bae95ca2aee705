import { afterAll, beforeAll, describe } from '@jest/globals';
import { stackNames, type StackName } from '@flash-sale/shared/stacks.ts';
import { startTestStack, type TestStack } from '../../infra/testing/stack.ts';
import type { StackOptions } from '../../infra/launcher/stack-types.ts';
import { Shop } from './shop.ts';

const startWithinMs = 180_000;
const stopWithinMs = 60_000;

/** Describes what holds on every stack, or on some of them; `theShop` may be called from within tests and hooks. */
export function onEachStack(
  title: string,
  options: Omit<Partial<StackOptions>, 'stack' | 'dataDir'>,
  tests: (theShop: () => Shop) => void,
  kinds: readonly StackName[] = stackNames,
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
