import { expect, jest, test } from '@jest/globals';
import { withClient } from '../infra/launcher/databases.ts';
import { postgresUrl } from '../infra/launcher/postgres.ts';
import { replicaName } from '../infra/launcher/replica.ts';
import { servicesIn } from '../infra/launcher/stack-types.ts';
import { bodyOf } from '../test-kit/http.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import type { Shopper } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';
import { until } from '../test-kit/until.ts';

jest.setTimeout(240_000);

const name = replicaName(1);
const inOrder = ['awaiting-payment', 'paid', 'confirmed'];
interface Page {
  items: { id: string; status: string }[];
}

onEachStack('reads from a replica', { demo: { shoppers: 10 }, replicas: 1 }, (theShop) => {
  const latest = (shopper: Shopper) => shopper.call<Page>('GET', '/api/orders?limit=1');
  /** So many reads of orders were answered so, by both instances. */
  async function reads(cause: string): Promise<number> {
    const orders = theShop()
      .stack.processes.flatMap(servicesIn)
      .filter(({ service }) => service === 'order');
    const counts = orders.map(async ({ port }) => {
      const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return Number(new RegExp(`^flash_sale_reads\\S*cause="${cause}"\\S* (\\d+)$`, 'm').exec(page)![1]);
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }
  /** The shopper's orders are read until one of these reads is answered so. */
  async function isAnsweredBy(cause: string, shopper: Shopper): Promise<void> {
    const before = await reads(cause);
    await until(`reads: ${cause}`, async () => {
      bodyOf(await latest(shopper), 200);
      return (await reads(cause)) > before;
    });
  }
  /** What one has written one reads, and nothing ever goes back, at whichever instance. */
  async function buys(shopper: Shopper): Promise<void> {
    const product = await theShop().aProduct();
    const { id, orderId } = await shopper.aReservation(product);
    const seen: string[] = [];
    const look = async () => {
      const [order] = bodyOf(await latest(shopper), 200).items;
      expect(order!.id).toBe(orderId);
      seen.push(order!.status, (await shopper.order(orderId, 0)).status);
      expect((await shopper.reservation(id)).orderId).toBe(orderId);
    };
    await look();
    const payment = bodyOf(await shopper.pay(orderId), 201);
    await until('the order is confirmed', async () => {
      await look();
      expect((await shopper.payment(payment.id)).status).toBe('captured');
      return seen.includes('confirmed');
    });
    expect(seen).toEqual(seen.toSorted((one, other) => inOrder.indexOf(one) - inOrder.indexOf(other)));
  }

  test('that has replayed what they have seen', async () => {
    const shopper = await theShop().aShopper();
    await buys(shopper);
    await isAnsweredBy('replica', shopper);
  });

  test('that does not replay are answered by the primary, and by the replica again once it does', async () => {
    const { stack } = theShop();
    const { port } = stack.processes.find((one) => one.name === name)!;
    const shopper = await theShop().aShopper();
    await withClient(postgresUrl(port, stack.secrets.postgresPassword), async (replica) => {
      await replica.query('SELECT pg_wal_replay_pause()');
      await buys(shopper);
      await isAnsweredBy('behind', shopper);
      await replica.query('SELECT pg_wal_replay_resume()');
    });
    await isAnsweredBy('replica', shopper);
  });

  test.each<[string, () => Promise<void> | void]>([
    ['is stopped', () => theShop().stack.replica.stop()],
    ['is killed', () => theShop().stack.kill(name)],
    ['hangs', () => theShop().stack.kill(name, 'SIGSTOP')],
  ])('that %s fail for nobody, and are answered there again when it is back', async (how, harm) => {
    const shopper = await theShop().aShopper();
    await buys(shopper);
    await harm();
    await buys(shopper);
    if (how === 'is stopped') await theShop().stack.replica.start();
    await isAnsweredBy('replica', shopper);
  });

  test('are answered by the primary while Redis is away, and afterwards as before', async () => {
    const { stack } = theShop();
    const [shopper, later] = [await theShop().aShopper(), await theShop().aShopper()];
    await stack.redis.stop();
    await buys(shopper);
    await stack.redis.start();
    await buys(shopper);
    await isAnsweredBy('replica', later);
    await expectAuditClean(stack);
  });
});
