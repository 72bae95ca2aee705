import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { duringASale } from '../test-kit/stack/during-a-sale.ts';
import { withoutDatabase } from '../test-kit/stack/databases.ts';
import { until } from '../test-kit/until.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

const options = { layout: 'shared', demo: { shoppers: 40 } } as const;

onEachStack('all services in each of two processes', options, (theShop) => {
  const pidOf = (name: string) => theShop().stack.processes.find((one) => one.name === name)?.pid;

  test('sell', async () => {
    const shop = theShop();
    const shopper = await shop.aShopper();
    const { reservation } = await shopper.aPurchase(await shop.aProduct());
    expect((await shopper.order(reservation.orderId)).status).toBe('confirmed');
  });

  test('sell exactly what there is, to a crowd', async () => {
    const shop = theShop();
    const product = await shop.aProduct({ stock: 10 });
    const shoppers = await Promise.all(Array.from({ length: 25 }, () => shop.aShopper()));
    const carts = await Promise.all(shoppers.map((one) => one.aCart({ productId: product.id, quantity: 1 })));
    const answers = await Promise.all(shoppers.map((one, n) => one.reserve(carts[n]!.id)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      ...Array<number>(10).fill(201),
      ...Array<number>(15).fill(409),
    ]);
  });

  describe('in the middle of a sale', () => {
    const theScene = duringASale(theShop, { sellers: 10, stocks: [60, 100_000] });
    /** Itself, and not the other one in its place, as nginx would have it. */
    const untilReady = (name: string) =>
      until(`${name} is ready`, async () => {
        const { holds = [] } = theShop().stack.processes.find((one) => one.name === name)!;
        const ask = ({ port }: { port: number }) => fetch(`http://127.0.0.1:${port}/readyz`).then(({ ok }) => ok);
        return (await Promise.all(holds.map((one) => ask(one).catch(() => false)))).every(Boolean);
      });

    test('lose nothing when one of the processes is killed, and it comes back', async () => {
      const { sale, stack } = theScene();
      const before = pidOf('services-1');
      stack.kill('services-1');
      await until('it is started again', () => Promise.resolve(![undefined, before].includes(pidOf('services-1'))));
      await untilReady('services-1');
      await sale.goesOn();
    });

    test('let nobody notice that one of them is stopped in order', async () => {
      const { sale, stack } = theScene();
      await sale.goesOn();
      const before = sale.repeats.length;
      try {
        await stack.stopProcess('services-2');
        await sale.goesOn();
      } finally {
        await stack.startProcess('services-2');
      }
      expect(sale.repeats.slice(before)).toEqual([]);
      await untilReady('services-2');
    });

    test('and keep exact books, though one dies for good: the other delivers what it has left', async () => {
      const { sale, stack } = theScene();
      await sale.goesOn();
      stack.kill('services-1');
      await stack.stopProcess('services-1');
      try {
        await sale.close();
        await expectAuditClean(stack);
      } finally {
        await stack.startProcess('services-1');
      }
      await untilReady('services-1');
    });
  });

  test('keep for a service what it cannot take, while its database is away and those of the others in its process are not', async () => {
    const { stack } = theShop();
    const shopper = await theShop().aShopper();
    const { orderId } = await shopper.aReservation(await theShop().aProduct());
    await shopper.order(orderId, 0);
    await withoutDatabase(stack, 'order', async () => {
      expect((await shopper.pay(orderId, 'tok_ok', { wait: 1 })).status).toBe(201);
      await eventually(async () => {
        const ready = await theShop().call<{ services: Record<string, { status: string }> }>('GET', '/readyz');
        expect([ready.status, ready.body.services['order']?.status]).toEqual([503, 'not-ready']);
      });
    });
    await until('it is confirmed', async () => (await shopper.order(orderId)).status === 'confirmed');
    await expectAuditClean(stack);
  });

  test('write logs in which each line says whose it is', async () => {
    const { dataDir } = theShop().stack;
    for (const name of ['services-1', 'services-2']) {
      const lines = (await readFile(join(dataDir, `logs/${name}.log`), 'utf8')).trim().split('\n');
      const named = new Set(lines.map((line) => (JSON.parse(line) as { service: string }).service));
      expect(named).toEqual(new Set(serviceNames));
    }
  });
});
