import { expect } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '@flash-sale/shared/ids.ts';
import { aStock } from '../services/inventory/src/testing/builders.ts';
import { PurchaseModel, ttlMs } from './purchase-model.ts';

const shoppers = 3;

/** A shop with two products, and three shoppers with the first product, the second or both in their cart. */
export function aShop(units: [number, number], limitPerUser: number | null) {
  const model = new PurchaseModel();
  const products = units.map((total, index) => aStock({ total, limitPerUser, priceCents: 1_000 + 500 * index }));
  products.forEach((stock) => model.addProduct(stock));
  const buyers = Array.from({ length: shoppers }, (_, index) => {
    const userId = newId();
    const cartId = newId();
    model.command('reservation', 'createCart', { cartId, userId });
    products
      .filter((_product, n) => index === n || index === 2)
      .forEach(({ product }, n) =>
        model.command('reservation', 'addItem', { cartId, userId, productId: product.id, quantity: 1 + n }),
      );
    return { userId, cartId, orderIds: [] as string[], reservationIds: [] as string[] };
  });
  return { model, buyers };
}
export type Shop = ReturnType<typeof aShop>;

export function reserve({ model, buyers }: Shop, buyer: number, key: number): void {
  const { userId, cartId, orderIds, reservationIds } = buyers[buyer]!;
  const [reservationId, orderId] = [newId(), newId()];
  const input = { reservationId, orderId, userId, cartId, idempotencyKey: `reserve ${key}` };
  const result = model.command('reservation', 'reserve', input) as { repeated?: boolean };
  if (result.repeated !== false) return;
  orderIds.push(orderId);
  reservationIds.push(reservationId);
}

export function pay({ model, buyers }: Shop, buyer: number, key: number, methodToken: string): void {
  const { userId, orderIds } = buyers[buyer]!;
  const orderId = orderIds[key % Math.max(1, orderIds.length)];
  if (!orderId) return;
  const input = { paymentId: newId(), orderId, userId, idempotencyKey: `pay ${key}`, methodToken };
  model.command('payment', 'pay', input);
}

export function cancel({ model, buyers }: Shop, buyer: number, which: number): void {
  const { userId, reservationIds } = buyers[buyer]!;
  const reservationId = reservationIds[which % Math.max(1, reservationIds.length)];
  if (reservationId) model.command('reservation', 'cancel', { reservationId, userId });
}

export const buyer = fc.nat({ max: shoppers - 1 });
export const key = fc.nat({ max: 3 });
const methodToken = fc.constantFrom('tok_ok', 'tok_ok', 'tok_declined');
export const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      act: fc.constant('deliver' as const),
      picks: fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 4 }),
      repeat: fc.boolean(),
      fate: fc.constantFrom(
        'commit' as const,
        'commit' as const,
        'commit' as const,
        'crash' as const,
        'silence' as const,
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('reserve' as const), buyer, key }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('pay' as const), buyer, key, methodToken }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('cancel' as const), buyer, key }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: ttlMs }) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('expire' as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('give up' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

export function take(shop: Shop, step: Step): void {
  const { model } = shop;
  switch (step.act) {
    case 'deliver':
      return model.deliver(step.picks, step);
    case 'reserve':
      return reserve(shop, step.buyer, step.key);
    case 'pay':
      return pay(shop, step.buyer, step.key, step.methodToken);
    case 'cancel':
      return cancel(shop, step.buyer, step.key);
    case 'wait':
      model.now = new Date(model.now.getTime() + step.ms);
      return;
    case 'expire':
      return model.expireHolds();
    case 'give up':
      return model.giveUpOrphans();
  }
}

/** Delivers everything and lets every deadline pass. */
export function settle({ model }: Shop): void {
  model.quiesce();
  model.now = new Date(model.now.getTime() + 2 * ttlMs);
  model.expireHolds();
  model.quiesce();
  model.giveUpOrphans();
  model.quiesce();
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

/** The invariants of every moment. Plain conditions, since they are checked after every step. */
export function checkAlways({ stock, units, payments, reservations }: PurchaseModel): void {
  for (const { total, held, sold } of stock.values()) {
    if (held < 0 || sold < 0 || held + sold > total) throw new Error(`${held} held and ${sold} sold of ${total}`);
  }
  for (const { productId, units: had } of units.values()) {
    const limit = stock.get(productId)!.product.limitPerUser!;
    if (had > limit) throw new Error(`${had} units for one shopper, who may have ${limit}`);
  }
  const captured = [...payments.values()].filter(({ status }) => status === 'captured').map(({ orderId }) => orderId);
  if (new Set(captured).size < captured.length) throw new Error('an order has two captured payments');
  const live = [...reservations.values()].filter(({ status }) => ['pending', 'held', 'completed'].includes(status));
  if (new Set(live.map(({ cartId }) => cartId)).size < live.length) throw new Error('a cart was reserved twice');
}

/** The invariants once all is quiet and every deadline has passed. */
export function checkSettled(model: PurchaseModel): void {
  const { stock, holds, reservations, orders, payables, payments, ledger, network } = model;
  expect(network).toEqual([]);
  const bought = [...holds.values()].filter(({ state }) => state === 'committed');
  for (const { product, held, sold } of stock.values()) {
    const inOrders = [...orders.values()]
      .filter(({ status }) => status === 'confirmed')
      .flatMap(({ details }) => details!.items);
    expect(held).toBe(0);
    for (const lines of [bought.flatMap(({ items }) => items), inOrders]) {
      expect(sum(lines.filter((l) => l.productId === product.id).map((l) => l.quantity))).toBe(sold);
    }
  }
  for (const { id, status } of reservations.values()) {
    const hold = holds.get(id)?.state ?? 'none';
    expect([
      'completed, hold committed',
      'released, hold released',
      'rejected, hold none',
      'rejected, hold released',
    ]).toContain(`${status}, hold ${hold}`);
  }
  for (const order of orders.values()) {
    expect(['confirmed', 'cancelled', 'refunded']).toContain(order.status);
    const theirs = [...payments.values()].filter(({ orderId }) => orderId === order.id);
    const captured = theirs.filter(({ status }) => status === 'captured');
    expect(captured.map(({ id }) => id)).toEqual(order.status === 'confirmed' ? [order.paymentId] : []);
    expect(theirs.some(({ status }) => status === 'refunded')).toBe(order.status === 'refunded');
    expect(reservations.get(order.reservationId)!.status === 'completed').toBe(order.status === 'confirmed');
    // A payable stays open only for an order that was bought; nothing more is due for it.
    expect(payables.get(order.id)!.status).toBe(order.status === 'confirmed' ? 'open' : 'closed');
  }
  for (const { id, status, orderId, amountCents } of payments.values()) {
    const entry = ledger.get(id);
    const told = entry && (entry.refunded ? 'refunded' : entry.outcome);
    expect([status, told]).toEqual([status, amountCents === null ? undefined : status]);
    if (amountCents === null) expect(status).toBe('declined');
    else expect(amountCents).toBe(orders.get(orderId)!.details!.totalCents);
  }
}
