import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { newSpanId, newTraceId, traceparentOf } from '@flash-sale/shared/tracing/trace-context.ts';
import { needsRabbitmq } from '@flash-sale/shared/stacks.ts';
import { runCommand } from '../infra/launcher/run-command.ts';
import { purchaseOf, type Purchase } from '../infra/trace/purchase.ts';
import { spansIn, type Span } from '../infra/trace/spans.ts';
import { bodyOf } from '../test-kit/http.ts';
import { withoutDatabase } from '../test-kit/stack/databases.ts';
import type { Reservation, Shopper } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';
import { asSuperuser } from '../test-kit/stack/tampering.ts';
import { until } from '../test-kit/until.ts';

jest.setTimeout(240_000);

/** Each that handles an event, and what of the same purchase has brought it about. */
const reserving = [
  ['inventory handles reservation.requested', 'reserve'],
  ['reservation handles stock.held', 'inventory handles reservation.requested'],
  ['order handles stock.held', 'inventory handles reservation.requested'],
  ['payment handles order.opened', 'order handles stock.held'],
] as const;
const paying = [
  ['payment handles payment.requested', 'pay'],
  ['order handles payment.captured', 'payment handles payment.requested'],
  ['inventory handles order.paid', 'order handles payment.captured'],
  ['reservation handles stock.committed', 'inventory handles order.paid'],
  ['order handles stock.committed', 'inventory handles order.paid'],
] as const;
const requests = ['POST /api/reservations', 'reserve', 'POST /api/payments', 'pay', 'gateway: capture'];
const last = ['reservation handles stock.committed', 'order handles stock.committed'];

onEachStack('traces', { demo: { shoppers: 5 }, traces: true }, (theShop, { stack: stackName, processesOf }) => {
  /** What is known of a purchase, once all of these have been told of, and, where one failed on the way, that too. */
  async function told(id: string, names: readonly string[], failure?: string): Promise<Purchase> {
    let purchase: Purchase | undefined;
    await until(`spans of ${names.join(', ')}`, async () => {
      const all: Span[] = [];
      for await (const span of spansIn(theShop().stack.tracesFolder!)) all.push(span);
      const found = purchaseOf(id, all);
      if (!found) return false;
      purchase = found;
      return (
        names.every((name) => allNamed(found, name).length > 0) &&
        (failure === undefined || failuresOf(found, failure).length > 0)
      );
    });
    return purchase!;
  }
  const failuresOf = ({ spans }: Purchase, failure: string) => spans.filter((span) => span.failure?.includes(failure));
  const allNamed = ({ spans }: Purchase, name: string) =>
    spans.filter((span) => span.name === name && span.failure === undefined);
  /** The last, for an event may be brought twice. */
  const named = (purchase: Purchase, name: string) => allNamed(purchase, name).at(-1)!;
  /** Each of these is below what brought it about, in one trace, and says what it was on its way for. */
  function expectChain(purchase: Purchase, chain: readonly (readonly [string, string])[]): void {
    for (const [name, cause] of chain) {
      const causes = allNamed(purchase, cause).map(({ traceId, spanId }) => [traceId, spanId]);
      const handled = allNamed(purchase, name);
      expect([name, handled.length > 0]).toEqual([name, true]);
      const way = `${name.split(' ').at(-1)} is on its way`;
      const ways = purchase.spans.filter((one) => one.name === way).map((one) => [one.traceId, one.parentSpanId]);
      for (const { traceId, parentSpanId } of handled) {
        expect(causes).toContainEqual([traceId, parentSpanId]);
        expect(ways).toContainEqual([traceId, parentSpanId]);
      }
    }
  }
  /** As a client does that has a trace of its own, and would like to have everything recorded. */
  async function reserveTraced(shopper: Shopper, cartId: string, wait?: number) {
    const client = { traceId: newTraceId(), spanId: newSpanId(), isSampled: true };
    const headers = { traceparent: traceparentOf(client), tracestate: 'theirs=1', baggage: 'user=1' };
    const answer = await shopper.call<Reservation>('POST', '/api/reservations', {
      body: { cartId },
      key: client.traceId,
      wait,
      headers,
    });
    return { client, answer };
  }

  test('take a purchase apart: every hop is there, below what brought it about, and paying points to reserving', async () => {
    const shop = theShop();
    const shopper = await shop.aShopper();
    const product = await shop.aProduct();
    const cart = await shopper.aCart({ productId: product.id, quantity: 1 });
    const { client, answer } = await reserveTraced(shopper, cart.id, 20);
    const { id, orderId } = bodyOf(answer, 201);
    // A payment may come before its order, and then there is nothing yet that it could point to.
    await told(orderId, ['payment handles order.opened']);
    const payment = bodyOf(await shopper.pay(orderId), 201);

    const purchase = await told(orderId, [...requests, ...[...reserving, ...paying].map(([name]) => name)]);
    expectChain(purchase, reserving);
    expectChain(purchase, paying);
    const [reserve, pay] = [named(purchase, 'POST /api/reservations'), named(purchase, 'POST /api/payments')];
    expect([reserve.traceId, reserve.parentSpanId]).toEqual([client.traceId, client.spanId]);
    expect(named(purchase, 'reserve').parentSpanId).toBe(reserve.spanId);
    expect(named(purchase, 'pay').parentSpanId).toBe(pay.spanId);
    expect(named(purchase, 'gateway: capture').parentSpanId).toBe(
      named(purchase, 'payment handles payment.requested').spanId,
    );
    const opened = named(purchase, 'payment handles order.opened');
    expect(pay.links.map(({ traceId, spanId }) => [traceId, spanId])).toEqual([[client.traceId, opened.spanId]]);
    expect([...purchase.together.values()].flat().map(({ name }) => name)).toContain('inventory transaction');

    const tracesOf = ({ spans }: Purchase) => new Set(spans.map((span) => span.traceId));
    for (const other of [id, payment.id, client.traceId])
      expect(tracesOf(await told(other, last))).toEqual(tracesOf(purchase));
  });

  test('are told to shoppers whose request fails, and stand in the logs', async () => {
    const shop = theShop();
    const shopper = await shop.aShopper();
    const { client, answer } = await reserveTraced(shopper, newTraceId());
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ traceId: client.traceId });
    const names = processesOf('reservation');
    await until('the line of the request', async () => {
      const logs = await Promise.all(
        names.map((name) => readFile(join(shop.stack.dataDir, 'logs', `${name}.log`), 'utf8')),
      );
      return logs.join('\n').includes(`"traceId":"${client.traceId}"`);
    });
  });

  test('go on where the shop was killed in the middle', async () => {
    const shop = theShop();
    const shopper = await shop.aShopper();
    const product = await shop.aProduct();
    const cart = await shopper.aCart({ productId: product.id, quantity: 1 });
    let orderId = '';
    let traceId = '';
    await withoutDatabase(shop.stack, 'inventory', async () => {
      const { client, answer } = await reserveTraced(shopper, cart.id, 0);
      ({ orderId } = bodyOf(answer, 202));
      traceId = client.traceId;
      const names = processesOf('reservation', 'inventory');
      const pids = new Set(shop.stack.processes.map(({ pid }) => pid));
      for (const name of names) shop.stack.kill(name);
      const isAnother = (name: string) =>
        shop.stack.processes.some((one) => one.name === name && one.pid !== undefined && !pids.has(one.pid));
      if (names.some((name) => name.startsWith('reservation')))
        await until('others are in their place', () => processesOf('reservation').every(isAnother));
    });
    // Each process tells of its spans in its own time: that the last event is told of says nothing of those before.
    const purchase = await told(
      orderId,
      reserving.map(([name]) => name),
    );
    // What a killed process had not written yet is lost, the request among it; what follows has its trace all the same.
    for (const [name] of reserving)
      expect([name, ...new Set(allNamed(purchase, name).map((span) => span.traceId))]).toEqual([name, traceId]);
    expectChain(purchase, reserving.slice(1));
    expect((await shopper.order(orderId, 0)).status).toBe('awaiting-payment');
  });

  if (needsRabbitmq(stackName))
    test('go on after a dead letter is replayed', async () => {
      const shop = theShop();
      const { stack } = shop;
      const shopper = await shop.aShopper();
      const reservation = await shopper.aReservation(await shop.aProduct());
      const { orderId } = reservation;
      const dlq = (command: string) =>
        runCommand(process.execPath, [join(import.meta.dirname, '../infra/dlq.mjs'), command], {
          env: { ...process.env, FLASH_SALE_DATA_DIR: stack.dataDir },
        });
      await asSuperuser(
        stack,
        'order',
        `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.id = '${orderId}') EXECUTE FUNCTION refuse()`,
      );
      const { id } = (await shopper.pay(orderId, 'tok_ok', { wait: 0 })).body;
      await until('a dead letter', async () => (await dlq('list')).output.includes('payment.captured'));
      await asSuperuser(stack, 'order', 'DROP TRIGGER refuse ON orders; DROP FUNCTION refuse');
      expect((await dlq('replay')).code).toBe(0);
      const names = paying.map(([name]) => name);
      const purchase = await told(id, names, 'not today');
      expectChain(purchase, paying);
      expect(failuresOf(purchase, 'not today').map(({ name }) => name)).toEqual(['order handles payment.captured']);
    });

  test('are printed as a waterfall', async () => {
    const shop = theShop();
    const shopper = await shop.aShopper();
    const { reservation } = await shopper.aPurchase(await shop.aProduct());
    await told(reservation.orderId, [...requests, ...last]);
    const { code, output } = await runCommand(
      process.execPath,
      [join(import.meta.dirname, '../infra/trace.mjs'), reservation.orderId, '--dir', shop.stack.tracesFolder!],
      {},
    );
    expect([code, output]).toEqual([0, expect.stringContaining('POST /api/reservations 201')]);
    for (const name of last) expect(output).toContain(name);
  });
});
