import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { wrongWithBill } from '../infra/audit/checks/bills.ts';
import { wrongWithOrder } from '../infra/audit/checks/orders.ts';
import { wrongWithHold } from '../infra/audit/checks/reservations.ts';
import type { PurchaseModel } from './purchase-model.ts';
import { aShop, buyer, cancel, checkAlways, key, pay, reserve, settle, step, take } from './purchase-steps.ts';

/*
 * What came to nothing is removed, by each service when it comes to it. Days later a dead letter is replayed, an old key
 * comes again, somebody pays for what ended long ago: nothing is bought, charged or given away by that, nothing ends among
 * the dead letters again, and the audit passes at every moment in between.
 */

const service = fc.constantFrom('inventory' as const, 'reservation' as const, 'order' as const, 'payment' as const);
const late = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('remove' as const), service }) },
  { weight: 6, arbitrary: fc.record({ act: fc.constant('replay' as const), which: fc.nat({ max: 200 }) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('reserve' as const), buyer, key }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('pay' as const), buyer, key }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('cancel' as const), buyer, key }) },
);
type Late = typeof late extends fc.Arbitrary<infer S> ? S : never;

function takeLate(shop: ReturnType<typeof aShop>, act: Late): void {
  const { model } = shop;
  if (act.act === 'remove') model.remove(act.service);
  else if (act.act === 'replay') model.replay(act.which);
  else if (act.act === 'reserve') reserve(shop, act.buyer, act.key);
  else if (act.act === 'pay') pay(shop, act.buyer, act.key, 'tok_ok');
  else cancel(shop, act.buyer, act.key);
  model.quiesce();
}

/** What nobody may lose or gain by what comes late: units sold, orders bought, money taken and given back. */
const outcome = ({ stock, orders, ledger, payments }: PurchaseModel) => ({
  stock: [...stock.values()].map(({ product, held, sold }) => [product.id, held, sold]),
  bought: [...orders.values()].filter(({ status }) => status === 'confirmed').map(({ id }) => id),
  charged: [...ledger].map(([id, { outcome, refunded }]) => [id, outcome, refunded]),
  // A payment of a key that is new may be refused, or declined without the gateway; it takes no money.
  paid: [...payments.values()].filter(({ amountCents }) => amountCents !== null).map(({ id, status }) => [id, status]),
});

/** What the audit would find, by its own rules. */
function audited({ now, reservations, holds, orders, payments }: PurchaseModel): string[] {
  const reservationOf = new Map([...reservations.values()].map((r) => [r.orderId, r]));
  const keys = new Set([...reservations.keys(), ...holds.keys()]);
  const orderIds = new Set([...reservationOf.keys(), ...orders.keys()]);
  const charged = [...payments.values()].filter(({ status }) => status === 'captured' || status === 'refunded');
  const held = [...keys].map((key) => {
    const [r, h] = [reservations.get(key), holds.get(key)];
    return wrongWithHold(
      {
        key,
        left: r && { key, order_id: r.orderId, user_id: r.userId, status: r.status, items: r.items },
        right: h && { key, order_id: h.orderId, user_id: h.userId, state: h.state, items: h.items },
      },
      now,
    );
  });
  const ordered = [...orderIds].map((key) => {
    const [r, o] = [reservationOf.get(key), orders.get(key)];
    const total_cents = o?.details?.totalCents ?? null;
    return wrongWithOrder(
      {
        key,
        left: r && { key, id: r.id, user_id: r.userId, status: r.status, total_cents: r.totalCents },
        right: o && { key, reservation_id: o.reservationId, user_id: o.userId, status: o.status, total_cents },
      },
      now,
    );
  });
  const billed = [...new Set([...orders.keys(), ...charged.map(({ orderId }) => orderId)])].map((key) => {
    const o = orders.get(key);
    const [total_cents, currency] = [o?.details?.totalCents ?? null, o?.details?.currency ?? null];
    const charges = charged
      .filter(({ orderId }) => orderId === key)
      .map(({ id, status, amountCents, currency }) => ({
        id,
        status: status as 'captured' | 'refunded',
        amountCents: amountCents!,
        currency: currency!,
      }));
    return wrongWithBill(
      {
        key,
        left: o && { key, status: o.status, payment_id: o.paymentId, total_cents, currency },
        right: charges.length > 0 ? { key, charges } : undefined,
      },
      now,
    );
  });
  return [...held, ...ordered, ...billed].flatMap((wrong) => wrong ?? []);
}

describe('what comes when the rows that it is about may be gone', () => {
  const steps = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' });
  const lates = fc.array(late, { minLength: 5, maxLength: 30, size: 'max' });

  test('changes nothing that counts, and the audit passes at every moment', () => {
    const removed = { reservations: 0, holds: 0, orders: 0, payables: 0 };
    fc.assert(
      fc.property(steps, lates, (early, afterwards) => {
        const shop = aShop([3, 3], null);
        const { model } = shop;
        for (const one of early) take(shop, one);
        settle(shop);
        model.age();
        const before = outcome(model);
        const sizes = () =>
          Object.entries(removed).map(([table]) => [table, model[table as keyof typeof removed].size] as const);
        for (const act of afterwards) {
          const counted = sizes();
          // A new key of an open cart is a new purchase, whose request would be as young as its id says: not this test's.
          if (act.act === 'reserve' && isNew(shop, act.buyer, act.key)) continue;
          takeLate(shop, act);
          for (const [table, size] of counted)
            removed[table as keyof typeof removed] += Math.max(0, size - model[table as keyof typeof removed].size);
          checkAlways(model);
          expect(audited(model)).toEqual([]);
          expect(outcome(model)).toEqual(before);
        }
        // However often: everything that came to nothing can go at last.
        for (const name of ['inventory', 'reservation', 'order', 'payment'] as const) model.remove(name);
        expect([...model.reservations.values()].filter(({ status }) => status !== 'completed')).toEqual([]);
        expect([...model.holds.values()].filter(({ state }) => state !== 'committed')).toEqual([]);
        expect([...model.orders.values()].filter(({ status }) => status === 'cancelled')).toEqual([]);
        expect(audited(model)).toEqual([]);
      }),
      { numRuns: 300 },
    );
    // Or the property would say nothing about it.
    expect(Object.entries(removed).filter(([, count]) => count === 0)).toEqual([]);
  });
});

/** Whether a key of a shopper has not made a reservation yet. */
function isNew({ model, buyers }: ReturnType<typeof aShop>, buyer: number, key: number): boolean {
  const { userId } = buyers[buyer]!;
  const isIt = (one: { userId: string; idempotencyKey: string }) =>
    one.userId === userId && one.idempotencyKey === `reserve ${key}`;
  return ![...model.reservations.values(), ...model.usedKeys.values()].some(isIt);
}
