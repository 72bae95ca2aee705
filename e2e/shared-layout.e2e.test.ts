import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { services } from '../infra/launcher/database-names.ts';
import { expectAuditClean } from './support/audit.ts';
import { bodyOf, until } from './support/http.ts';
import { onEachStack } from './support/stacks.ts';

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
    await expectAuditClean(shop.stack);
  });

  test('lose nothing when one of the processes is killed, and it comes back', async () => {
    const shop = theShop();
    const [shopper, product] = [await shop.aShopper(), await shop.aProduct()];
    const reservation = await shopper.aReservation(product);
    const before = pidOf('services-1');
    shop.stack.kill('services-1');
    bodyOf(await shopper.pay(reservation.orderId), 201);
    await until('it is started again', () => Promise.resolve(![undefined, before].includes(pidOf('services-1'))));
    await until('all is ready', async () => (await shop.call('GET', '/readyz')).status === 200);
    await expectAuditClean(shop.stack);
  });

  test('write logs in which each line says whose it is', async () => {
    const { dataDir } = theShop().stack;
    for (const name of ['services-1', 'services-2']) {
      const lines = (await readFile(join(dataDir, `logs/${name}.log`), 'utf8')).trim().split('\n');
      const named = new Set(lines.map((line) => (JSON.parse(line) as { service: string }).service));
      expect(named).toEqual(new Set(services));
    }
  });
});
