import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NewEvent, RefusalReason } from '@flash-sale/contract/events/schemas.ts';
import { about, aRequest, aStock, at, given, later, ttlMs } from '../testing/builders.ts';
import { hold } from './hold.ts';
import { cancel, commit, expire } from './settle-hold.ts';
import type { HeldLine, Stock } from './state.ts';

/*
 * Whatever a batch contains, deciding it over one InventoryState must give what a ledger gives that keeps no running
 * totals at all: it stores reservations one by one and counts everything anew for each decision.
 */

interface Reservation {
  request: ReturnType<typeof aRequest>;
  state?: 'held' | 'committed' | 'released';
  lines: HeldLine[];
  expiresAtMs: number;
}
type Step = { act: 'request' | 'cancel' | 'pay' | 'expire'; reservation: number; afterMs: number };

class Ledger {
  readonly #stocks: Stock[];
  readonly reservations: Reservation[];
  constructor(stocks: Stock[], requests: Reservation['request'][]) {
    this.#stocks = stocks;
    this.reservations = requests.map((request) => ({ request, lines: [], expiresAtMs: 0 }));
  }

  units(productId: string, states: Reservation['state'][], userId?: string): number {
    return this.reservations
      .filter((r) => states.includes(r.state) && (userId === undefined || r.request.userId === userId))
      .flatMap((r) => r.lines)
      .filter((line) => line.productId === productId)
      .reduce((sum, { quantity }) => sum + quantity, 0);
  }

  /** What each step answers: the type of the event, with the reason if there is one. */
  take({ act, reservation: n }: Step, atMs: number): string[] {
    const r = this.reservations[n]!;
    switch (act) {
      case 'request': {
        if (r.state) return [];
        const refusal = this.#refusal(r.request, atMs);
        if (refusal) return [`stock.refused ${refusal}`];
        Object.assign(r, { state: 'held', lines: r.request.items, expiresAtMs: atMs + ttlMs });
        return ['stock.held'];
      }
      case 'cancel':
        if (r.state === 'committed' || r.state === 'released') return [];
        r.state = 'released';
        return ['stock.released cancelled'];
      case 'pay':
        if (r.state === 'committed') return [];
        if (r.state !== 'held') return ['stock.commit-refused'];
        r.state = 'committed';
        return ['stock.committed'];
      case 'expire':
        if (r.state !== 'held' || r.expiresAtMs > atMs) return [];
        r.state = 'released';
        return ['stock.released expired'];
    }
  }

  #refusal({ items, userId }: Reservation['request'], atMs: number): RefusalReason | undefined {
    for (const productId of new Set(items.map((line) => line.productId))) {
      const stock = this.#stocks.find(({ product }) => product.id === productId);
      if (!stock) return 'product-not-found';
      const wanted = items.filter((i) => i.productId === productId).reduce((sum, i) => sum + i.quantity, 0);
      const { saleEndsAt, limitPerUser } = stock.product;
      if (saleEndsAt && atMs >= saleEndsAt.getTime()) return 'sale-closed';
      const had = this.units(productId, ['held', 'committed'], userId);
      if (limitPerUser !== null && had + wanted > limitPerUser) return 'limit-exceeded';
      if (wanted > stock.total - this.units(productId, ['held', 'committed'])) return 'sold-out';
    }
    return undefined;
  }
}

const told = ({ type, data }: NewEvent) => ('reason' in data ? `${type} ${data.reason}` : type);

const products = fc.array(
  fc.record({
    total: fc.integer({ min: 0, max: 12 }),
    limitPerUser: fc.option(fc.integer({ min: 1, max: 5 })),
    saleEndsAt: fc.option(fc.integer({ min: 0, max: 3 * ttlMs }).map(later)),
  }),
  { minLength: 1, maxLength: 3 },
);
const carts = fc.array(
  fc.record({
    user: fc.nat(2),
    items: fc.array(fc.record({ product: fc.nat(3), quantity: fc.integer({ min: 1, max: 4 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
  { minLength: 1, maxLength: 8 },
);
const steps = fc.array(
  fc.record<Step>({
    act: fc.constantFrom('request', 'request', 'request', 'cancel', 'pay', 'expire'),
    reservation: fc.nat(7),
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: ttlMs })),
  }),
  { maxLength: 60 },
);

describe('a batch of requests, cancellations, payments and expiries', () => {
  test('is decided as if one came after the other, and never breaks a bound', () => {
    fc.assert(
      fc.property(products, carts, steps, (productSpecs, cartSpecs, stepSpecs) => {
        const stocks = productSpecs.map((spec) => aStock(spec));
        const unknown = aStock();
        const users = ['a', 'b', 'c'].map((letter) => `0197a000-0000-7000-8000-00000000000${letter}`);
        const requests = cartSpecs.map(({ user, items }) =>
          aRequest(
            items.map(({ product, quantity }) => ({ productId: (stocks[product] ?? unknown).product.id, quantity })),
            { userId: users[user]! },
          ),
        );
        const ledger = new Ledger(structuredClone(stocks), requests);
        const state = given({ stock: stocks });

        let now = later(0);
        for (const spec of stepSpecs) {
          const step = { ...spec, reservation: spec.reservation % requests.length };
          now = new Date(now.getTime() + step.afterMs);
          const request = requests[step.reservation]!;
          const events = {
            request: () => hold(request, state, at(now)).events,
            cancel: () => cancel(about(request), state, at(now)).events,
            pay: () => commit(about(request), state).events,
            expire: () => expire(request, state, at(now)).events,
          }[step.act]();
          expect(events.map(told)).toEqual(ledger.take(step, now.getTime()));

          for (const { product, total, held, sold } of stocks) {
            expect(held).toBe(ledger.units(product.id, ['held']));
            expect(sold).toBe(ledger.units(product.id, ['committed']));
            expect(held + sold).toBeLessThanOrEqual(total);
            if (product.limitPerUser === null) continue;
            for (const user of users) {
              const units = state.unitsOf(product.id, user);
              expect(units).toBe(ledger.units(product.id, ['held', 'committed'], user));
              expect(units).toBeLessThanOrEqual(product.limitPerUser);
            }
          }
        }

        // What is to be saved is what the ledger holds: no hold is missing, none is there twice.
        expect(state.newHolds.map(({ reservationId, state: s }) => `${reservationId} ${s}`).sort()).toEqual(
          ledger.reservations.flatMap((r) => (r.state ? [`${r.request.reservationId} ${r.state}`] : [])).sort(),
        );
        expect(state.changedHolds.size).toBe(0);
        for (const stock of stocks) if (stock.held + stock.sold > 0) expect(state.changedStock.has(stock)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
