import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { servicesIn, type Stack } from '../infra/launcher/stack-types.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { type Answer } from '../test-kit/http.ts';
import { until } from '../test-kit/until.ts';
import type { Cart, Product, Reservation, Shop, Shopper } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

/*
 * One shopper in an idle shop: nobody else's events come by to wake anything, so what heals does so by itself. The grace
 * for records without a living process is longer than any test here, so nothing may have waited for it.
 */

jest.setTimeout(300_000);
const backWithinMs = 90_000;
/** On an idle machine it is below three seconds. */
const healsWithinMs = 8_000;
/** How long whoever is killed stays away each time, before it starts: the launcher's own pauses would grow to 5 s for all of them. */
const outagesMs = [100, 400, 1_600];
/** Long enough for what retries to have grown patient; once on each stack says it. */
const withLongOutageMs = [100, 400, 5_000];
const options = {
  demo: { shoppers: 3 },
  env: { OUTBOX_GRACE_MS: '600000', HOLD_TTL_MS: '3600000' },
};

onEachStack('a lone shopper', options, (theShop, { together, processesOf }) => {
  let shop: Shop;
  let stack: Stack;
  let shopper: Shopper;
  let product: Product;
  beforeAll(async () => {
    shop = theShop();
    ({ stack } = shop);
    shopper = await shop.aShopper();
    product = await shop.aProduct({ stock: 100_000 });
    await shopper.aPurchase(product);
  });

  /** Where they die together, one says as much as all. */
  const each = (...services: ServiceName[]) => (together ? services.slice(0, 1) : services);
  const processOf = (name: string) => stack.processes.find((one) => one.name === name)!;
  const isReady = (port: number) =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  /** Kills without a warning, and keeps them away; resolves when all are ready again. */
  async function kill(names: string[], awayMs: number): Promise<void> {
    for (const name of names) stack.kill(name);
    await Promise.all(names.map((name) => stack.stopProcess(name)));
    await sleep(awayMs);
    await Promise.all(names.map((name) => stack.startProcess(name)));
    await until(
      `${names.join(', ')} back`,
      async () => {
        const ports = names.map(processOf).flatMap(servicesIn);
        return (await Promise.all(ports.map(({ port }) => isReady(port)))).every(Boolean);
      },
      backWithinMs,
    );
  }

  const isAccepted = ({ status }: Answer<unknown>) => [201, 202].includes(status);
  /** @throws unless it is accepted: then it must come to its end without being asked for again */
  const accepted = <Body>(answer: Answer<Body>): Body => {
    expect({ text: answer.text, isAccepted: isAccepted(answer) }).toMatchObject({ isAccepted: true });
    return answer.body;
  };
  const reserve = async (cart: Promise<Cart>) => {
    const { id } = await cart;
    const ask = () => shopper.reserve(id, { key: id, wait: 1 });
    let answer = await ask();
    // Where all are gone nobody is there to accept it.
    if (together) await until('accepted', async () => isAccepted(answer) || isAccepted((answer = await ask())));
    return answer;
  };
  /** What has been accepted comes to its end within the time from now on; what was not may be asked for again. */
  async function expectHealed(what: string, isOver: () => Promise<boolean>): Promise<void> {
    const startedAt = performance.now();
    await until(what, isOver, backWithinMs);
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeLessThan(healsWithinMs);
  }
  const isHeld = async ({ id }: Reservation) =>
    (await shopper.call<Reservation>('GET', `/api/reservations/${id}`)).body.status === 'held';
  const isConfirmed = async (orderId: string) =>
    (await shopper.call<{ status: string }>('GET', `/api/orders/${orderId}`)).body.status === 'confirmed';

  describe.each(each('inventory', 'order'))('whose reservation meets a service that is gone: %s', (service) => {
    test('has it soon after the service is back', async () => {
      for (const [round, awayMs] of outagesMs.entries()) {
        const cart = shopper.aCart({ productId: product.id, quantity: 1 });
        if (together) await cart;
        // Just before, amid and just after the steps of the purchase.
        const killed = sleep(round * 15).then(() => kill(processesOf(service), awayMs));
        const reservation = accepted(await reserve(cart));
        await killed;
        await expectHealed('held', () => isHeld(reservation));
        await expectHealed('its order', async () => {
          const { status } = await shopper.call('GET', `/api/orders/${reservation.orderId}`);
          return status === 200;
        });
      }
    });
  });

  const paidFor = each('payment', 'order', 'inventory');
  const [longest] = paidFor.slice(-1);
  describe.each(paidFor)('whose payment meets a service that is gone: %s', (service) => {
    test('has bought soon after the service is back', async () => {
      for (const [round, awayMs] of (service === longest ? withLongOutageMs : outagesMs).entries()) {
        const { orderId } = await shopper.aReservation(product);
        const attempt = { key: `${service}-${round}-${orderId}`, wait: 1 };
        const [first] = await Promise.all([
          shopper.pay(orderId, 'tok_ok', attempt),
          sleep(round * 15).then(() => kill(processesOf(service), awayMs)),
        ]);
        // The instance that had the request may have died over it.
        if (!isAccepted(first))
          await until('accepted', async () => isAccepted(await shopper.pay(orderId, 'tok_ok', attempt)));
        await expectHealed('confirmed', () => isConfirmed(orderId));
      }
    });
  });

  test.each(processesOf('order'))('does not wait for %s, which dies alone', async (name) => {
    for (const [round, awayMs] of outagesMs.entries()) {
      const { orderId } = await shopper.aReservation(product);
      const killed = sleep(round * 15).then(() => kill([name], awayMs));
      const paid = shopper.pay(orderId, 'tok_ok', { wait: 1 });
      await killed;
      accepted(await paid);
      await expectHealed('confirmed', () => isConfirmed(orderId));
    }
  });

  test('has lost nothing in the end', () => expectAuditClean(stack));
});
