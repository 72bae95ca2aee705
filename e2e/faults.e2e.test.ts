import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { liftedBounds } from '../test-kit/stack/load-settings.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { servicesIn, type Stack } from '../infra/launcher/stack-types.ts';
import { ask, expectAuditClean } from '../test-kit/stack/audit.ts';
import { duringASale } from '../test-kit/stack/during-a-sale.ts';
import { expectProblem } from '../test-kit/stack/expectations.ts';
import { bodyOf, type Answer } from '../test-kit/http.ts';
import { until } from '../test-kit/until.ts';
import type { Sale } from '../test-kit/stack/sale.ts';
import type { Product, Shop, Shopper } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

// Whatever is killed is back within seconds on an idle machine; the rest is for a busy one.
const backWithinMs = 90_000;
jest.setTimeout(300_000);

const sellers = 20;
const options = {
  demo: { shoppers: sellers + 5 },
  // No unit comes back by itself while somebody counts them.
  env: { OUTBOX_GRACE_MS: '1500', HOLD_TTL_MS: '3600000', ...liftedBounds },
};

onEachStack('a sale', options, (theShop, { together, processesOf }) => {
  let shop: Shop;
  let stack: Stack;
  let sale: Sale;
  let shopper: Shopper;
  let product: Product;

  const theScene = duringASale(theShop, { sellers, stocks: [100_000, 100_000, 100_000, 100_000, 100] });
  beforeAll(() => void ({ shop, stack, sale, shopper, product } = theScene()));

  const pidOf = (name: string) => stack.processes.find((one) => one.name === name)?.pid;
  const isReady = (url: string) =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  const untilReady = (names: string[]) =>
    until(
      `${names.join(', ')} ready`,
      async () => {
        const ports = stack.processes
          .filter(({ name }) => names.includes(name))
          .flatMap((one) => servicesIn(one).map(({ port }) => port));
        const urls = [stack.url, ...ports.map((port) => `http://127.0.0.1:${port}`)];
        return (await Promise.all(urls.map(isReady))).every(Boolean);
      },
      backWithinMs,
    );

  /** Kills without a warning, all at once, and waits until they are back. */
  async function kill(...names: string[]): Promise<void> {
    const before = names.map(pidOf);
    for (const name of names) stack.kill(name);
    await until(`${names.join(', ')} back`, () =>
      names.every((name, n) => ![undefined, before[n]].includes(pidOf(name))),
    );
    await untilReady(names);
    await sale.goesOn();
  }
  /** Repeats a request, with its key, while it is answered that something is away: what is back is not found at once. */
  async function insist<Body>(request: () => Promise<Answer<Body>>): Promise<Answer<Body>> {
    let answer = await request();
    const isAway = () => answer.status === 502 || answer.status === 503;
    await until('an answer', async () => !isAway() || !((answer = await request()), isAway()), backWithinMs);
    return answer;
  }
  const stop = (service: ServiceName) => Promise.all(processesOf(service).map((name) => stack.stopProcess(name)));
  async function start(service: ServiceName): Promise<void> {
    await Promise.all(processesOf(service).map((name) => stack.startProcess(name)));
    await untilReady(processesOf(service));
  }

  describe('goes on when one process is killed:', () => {
    test.each(processesOf(...serviceNames))('%s', (name) => kill(name));
    test.each(['nginx', 'redis', 'postgres'])('%s', (name) => kill(name));
  });

  test('goes on when all services are killed', () => kill(...processesOf(...serviceNames)));

  /** Where a process holds all services, none of them goes alone; its database may (shared-layout.e2e.test.ts). */
  function ofOneServiceAlone() {
    describe('goes on when a whole service is killed:', () => {
      test.each(serviceNames)('%s', (service) => kill(...processesOf(service)));
    });

    test('loses no reservation that was asked for while the inventory was down', async () => {
      const carts = await Promise.all(
        Array.from({ length: 5 }, () => shopper.aCart({ productId: product.id, quantity: 1 })),
      );
      await stop('inventory');
      const answers = await Promise.all(carts.map(({ id }, n) => shopper.reserve(id, { key: `down-${n}`, wait: 1 })));
      const pending = answers.map((answer) => bodyOf(answer, 202));
      for (const { status } of pending) expect(status).toBe('pending');
      // Paying for what is not decided yet is accepted, too.
      const paid = bodyOf(await shopper.pay(pending[0]!.orderId, 'tok_ok', { wait: 1 }), 202);
      await start('inventory');
      for (const { id } of pending) {
        await until('decided', async () => (await shopper.reservation(id)).status !== 'pending', backWithinMs);
        expect(['held', 'completed']).toContain((await shopper.reservation(id)).status);
      }
      await until('captured', async () => (await shopper.payment(paid.id)).status === 'captured', backWithinMs);
      await until('confirmed', async () => (await shopper.order(paid.orderId)).status === 'confirmed', backWithinMs);
      const again = await Promise.all(carts.map(({ id }, n) => shopper.reserve(id, { key: `down-${n}` })));
      expect(again.map((answer) => bodyOf(answer, 201).id)).toEqual(pending.map(({ id }) => id));
      await sale.goesOn();
    });

    test('keeps what it holds while payments are down', async () => {
      const { orderId } = await shopper.aReservation(product);
      await stop('payment');
      const refused = await shopper.pay(orderId, 'tok_ok', { key: 'payment-is-down' });
      expectProblem(refused, 502, 'bad-gateway');
      expect((await shopper.order(orderId, 0)).status).toBe('awaiting-payment');
      await start('payment');
      expect(bodyOf(await insist(() => shopper.pay(orderId, 'tok_ok', { key: 'payment-is-down' })), 201).status).toBe(
        'captured',
      );
      await until('confirmed', async () => (await shopper.order(orderId)).status === 'confirmed', backWithinMs);
      await sale.goesOn();
    });

    test('opens late the orders that could not be opened', async () => {
      const cart = await shopper.aCart({ productId: product.id, quantity: 1 });
      await stop('order');
      const { orderId } = bodyOf(await shopper.reserve(cart.id), 201);
      const paid = bodyOf(await shopper.pay(orderId, 'tok_ok', { wait: 1 }), 202);
      await start('order');
      await until('captured', async () => (await shopper.payment(paid.id)).status === 'captured', backWithinMs);
      await until('confirmed', async () => (await shopper.order(orderId)).status === 'confirmed', backWithinMs);
      await sale.goesOn();
    });
  }
  if (!together) ofOneServiceAlone();

  test('does without Redis, and fills it again when it comes back empty', async () => {
    await stack.redis.stop();
    await sale.goesOn(40);
    const { available } = await shop.product(product.id);
    await shopper.aPurchase(product, 2);
    expect((await shop.product(product.id)).available).toBe(available - 2);
    await stack.redis.start();
    await sale.goesOn(40);
    await until('the level again', async () => (await shop.product(product.id)).available === available - 2);
  });

  test('sells what comes back while Redis answers questions and takes no word', async () => {
    const rare = await shop.aProduct({ stock: 1 });
    const other = await shop.shopper(sellers + 3);
    const held = await shopper.aReservation(rare);
    const wanted = await other.aCart({ productId: rare.id, quantity: 1 });
    await until('the gate is closed', async () => (await other.reserve(wanted.id)).status === 409);
    const redis = new Redis(stack.redisAdminUrl);
    const says = (redisIs: string) =>
      eventually(async () => {
        const { port } = stack.processes.flatMap(servicesIn).find(({ service }) => service === 'inventory')!;
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
        expect(await answer.json()).toMatchObject({ checks: { redis: redisIs } });
      }, backWithinMs);
    try {
      await redis.config('SET', 'maxmemory', '1');
      await shopper.cancel(held.id);
      await until('sold', async () => (await other.reserve(wanted.id)).status === 201, backWithinMs);
      const made = await shop.aProduct({ stock: 1 });
      await other.aCart({ productId: made.id, quantity: 1 });
      await says('read-only');
    } finally {
      await redis.config('SET', 'maxmemory', '256mb').finally(() => redis.disconnect());
    }
    await says('ok');
    await sale.goesOn();
  });

  test('says so while PostgreSQL is away, and recovers by itself', async () => {
    const pids = () => processesOf(...serviceNames).map(pidOf);
    const before = pids();
    const cart = await shopper.aCart({ productId: product.id, quantity: 1 });
    const waiting = await shopper.aReservation(product);
    await stack.postgres.stop();
    const answers = await Promise.all([
      shopper.call('POST', '/api/carts', { body: {} }),
      shopper.reserve(cart.id, { key: 'postgres-is-away' }),
      shopper.call('GET', '/api/orders'),
      shop.call('GET', '/api/products'),
      shop.logIn(`shopper${sellers + 2}@example.com`),
      shopper.pay(waiting.orderId, 'tok_ok', { key: 'postgres-is-away' }),
    ]);
    for (const answer of answers) expectProblem(answer, 503, 'unavailable');
    // What was asked half a second ago need not be asked again.
    await until('not ready', async () => {
      const health = await shop.call('GET', '/readyz');
      return health.status === 503 && health.headers.get('retry-after') === '1';
    });
    await stack.postgres.start();
    await untilReady(processesOf(...serviceNames));
    const reserved = await insist(() => shopper.reserve(cart.id, { key: 'postgres-is-away' }));
    expect(bodyOf(reserved, 201).status).toBe('held');
    const paid = await insist(() => shopper.pay(waiting.orderId, 'tok_ok', { key: 'postgres-is-away' }));
    expect(bodyOf(paid, 201).status).toBe('captured');
    await sale.goesOn(40);
    expect(pids()).toEqual(before);
  });

  test('has kept every promise in the end, and the books balance', async () => {
    await sale.close();
    // The faults were felt.
    expect(sale.repeats.length).toBeGreaterThan(0);
    expect(sale.reservations.size).toBeGreaterThan(100);
    expect(sale.payments.size).toBeGreaterThan(50);
    await expectAuditClean(stack);
    // Processes ended because they were killed, and for no other reason.
    expect(shop.log.filter((line) => / ended \((?!SIGKILL)/.test(line))).toEqual([]);
    const statuses = async (database: 'reservation' | 'order' | 'payment', ids: Set<string>) => {
      const text = `SELECT status, count(*)::int AS count FROM ${database}s WHERE id = ANY($1) GROUP BY status`;
      const rows = await ask<{ status: string; count: number }>(stack, database, text, [[...ids]]);
      return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
    };
    const sum = (counts: Record<string, number>, ...names: string[]) =>
      names.reduce((all, name) => all + (counts[name] ?? 0), 0);
    const reservations = await statuses('reservation', sale.reservations);
    expect({ reservations, decided: sum(reservations, 'held', 'rejected', 'released', 'completed') }).toMatchObject({
      decided: sale.reservations.size,
    });
    const payments = await statuses('payment', sale.payments);
    expect({ payments, decided: sum(payments, 'captured', 'declined', 'refunded') }).toMatchObject({
      decided: sale.payments.size,
    });
    const orders = await statuses('order', sale.paidOrders);
    expect({ orders, ended: sum(orders, 'confirmed', 'refunded') }).toMatchObject({ ended: sale.paidOrders.size });
    // Refunds are for those who paid for a hold that had ended, which these holds are too long for.
    expect(sum(orders, 'confirmed')).toBeGreaterThan(sale.paidOrders.size / 2);
  });
});
