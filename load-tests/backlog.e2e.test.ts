import { expect, jest, test } from '@jest/globals';
import { stacks } from '@flash-sale/shared/stacks.ts';
import { measureBacklog } from './lib/backlog.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

jest.setTimeout(300_000);

const requests = 1_000;

for (const layout of stacks.async.layouts)
  onEachStack(
    `a backlog in the layout ${layout}`,
    { demo: { shoppers: 1 }, layout },
    (theShop) => {
      // How fast depends on the machine, and is the benchmark's to measure.
      test('that has gathered while the inventory was away is settled exactly once it is back', async () => {
        const { stack } = theShop();
        const { counted } = await measureBacklog(stack, requests);
        expect(counted).toEqual({
          unitsHeld: requests,
          holds: requests,
          reservations: requests,
          orders: requests,
          payables: requests,
        });
        await expectAuditClean(stack);
      });
    },
    ['async'],
  );
