import { afterAll, beforeAll, describe } from '@jest/globals';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { layouts, processOfServices, type LayoutName } from '@flash-sale/shared/layouts.ts';
import { stackNames, stacks, type StackName } from '@flash-sale/shared/stacks.ts';
import { startTestStack, type TestStack } from '../../infra/testing/stack.ts';
import type { StackOptions } from '../../infra/launcher/stack-types.ts';
import { Shop } from './shop.ts';

const startWithinMs = 180_000;
const stopWithinMs = 60_000;

/** What is known of a stack before it runs. */
export interface Kind {
  stack: StackName;
  /** Whether a process holds all services, so that none of them can go alone. */
  together: boolean;
  /** The names of the processes that hold a service, each one instance of it. */
  processesOf: (...services: ServiceName[]) => string[];
}

function kindOf(stack: StackName, layout: LayoutName = stacks[stack].layouts[0]): Kind {
  const { together } = layouts[layout];
  const namesOf = (service: ServiceName) => [1, 2].map((n) => `${together ? processOfServices : service}-${n}`);
  return { stack, together, processesOf: (...services) => [...new Set(services.flatMap(namesOf))] };
}

/** Describes tests of every stack, or of some of them; `theShop` may be called from within tests and hooks. */
export function onEachStack(
  title: string,
  options: Omit<Partial<StackOptions>, 'stack' | 'dataDir'>,
  tests: (theShop: () => Shop, kind: Kind) => void,
  kinds: readonly StackName[] = stackNames,
): void {
  describe.each(kinds)(`${title} (%s)`, (stack) => {
    let own: TestStack | undefined;
    let shop: Shop | undefined;
    beforeAll(async () => {
      const log: string[] = [];
      own = await startTestStack({ ...options, stack, onLog: (line) => log.push(line) });
      shop = new Shop(own.stack, log);
    }, startWithinMs);
    afterAll(() => own?.close(), stopWithinMs);
    const theShop = () => {
      if (!shop) throw new Error('the stack did not start');
      return shop;
    };
    tests(theShop, kindOf(stack, options.layout));
  });
}
