import { describe, expect, test } from '@jest/globals';
import type { Decision } from '@flash-sale/shared/messaging/decision.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { aLine, anOrder, at, paymentNews, stockNews } from '../testing/builders.ts';
import * as decisions from './order.ts';
import { become, OrderState, orderStatuses, type Order, type OrderStatus } from './state.ts';

/** Decides about one order. @returns how it stands then, and what follows; undefined if nothing was changed or told */
const about =
  <Input>(decide: Decision<Input, OrderState>, context = at()) =>
  (order: Order | undefined, input: Input) => {
    const state = new OrderState(order ? [order] : []);
    const { events } = decide(input, state, context);
    const [saved] = [...state.added, ...state.changed];
    return saved || events.length > 0 ? { order: (saved ?? order)!, events } : undefined;
  };
const open = about(decisions.open);
const cancel = about(decisions.cancel);
const pay = about(decisions.pay);
const refund = about(decisions.refund);
const confirm = (order: Order) => about(decisions.confirm)(order, stockNews('stock.committed', order));
const refuseCommit = (order: Order) => about(decisions.refuseCommit)(order, stockNews('stock.commit-refused', order));
const decline = (order: Order) => about(decisions.decline)(order, paymentNews('payment.declined', order));

const statuses = Object.keys(orderStatuses) as OrderStatus[];
const except = (...these: OrderStatus[]) => statuses.filter((status) => !these.includes(status));
const pairs = statuses.flatMap((from) => statuses.map((to) => [from, to] as const));
const isAllowed = ([from, to]: readonly [OrderStatus, OrderStatus]) =>
  (orderStatuses[from] as readonly OrderStatus[]).includes(to);

describe('the states of an order', () => {
  test('the table says what the design says', () => {
    expect(pairs.filter(isAllowed)).toEqual([
      ['awaiting-payment', 'paid'],
      ['awaiting-payment', 'cancelled'],
      ['paid', 'confirmed'],
      ['paid', 'refunded'],
      ['cancelled', 'refunded'],
    ]);
  });

  test.each(pairs.filter(isAllowed))('%s may become %s', (from, to) => {
    const order = anOrder({ status: from });
    expect(become(order, to)).toEqual({ ...order, status: to });
    expect(order.status).toBe(from);
  });

  test.each(pairs.filter((pair) => !isAllowed(pair)))('%s may not become %s', (from, to) => {
    expect(() => become(anOrder({ status: from }), to)).toThrow(`a ${from} order cannot become ${to}`);
  });
});

describe('stock.held', () => {
  test('opens an order with the prices it was held at', () => {
    const held = stockNews('stock.held', anOrder());
    const { orderId, reservationId, userId, items, totalCents, currency, expiresAt } = held;
    expect(open(undefined, held)).toEqual({
      order: {
        id: orderId,
        reservationId,
        userId,
        status: 'awaiting-payment',
        details: { items, totalCents, currency, expiresAt },
        paymentId: null,
        declinedPayments: 0,
      },
      events: [{ type: 'order.opened', data: { orderId, userId, totalCents, currency, expiresAt } }],
    });
  });

  test.each(statuses)('that comes late to a %s order adds the prices and changes nothing else', (status) => {
    const order = anOrder({ status, details: null });
    const held = stockNews('stock.held', order);
    const { items, totalCents, currency, expiresAt } = held;
    expect(open(order, held)).toEqual({
      order: { ...order, details: { items, totalCents, currency, expiresAt } },
      events: [],
    });
  });
});

describe('stock.released', () => {
  test('cancels an order that awaits its payment', () => {
    const order = anOrder({ declinedPayments: 2 });
    expect(cancel(order, stockNews('stock.released', order))).toEqual({
      order: { ...order, status: 'cancelled' },
      events: [{ type: 'order.cancelled', data: { orderId: order.id } }],
    });
  });

  test('that overtakes stock.held leaves a cancelled order, which is never opened for payment', () => {
    const expected = anOrder();
    const released = cancel(undefined, stockNews('stock.released', expected))!;
    expect(released).toEqual({
      order: { ...expected, status: 'cancelled', details: null },
      events: [{ type: 'order.cancelled', data: { orderId: expected.id } }],
    });
    const late = open(released.order, stockNews('stock.held', expected))!;
    expect(late.order).toMatchObject({ status: 'cancelled', details: { totalCents: 4_900 } });
    expect(late.events).toEqual([]);
  });

  test.each(except('awaiting-payment'))('changes nothing of a %s order', (status) => {
    const order = anOrder({ status });
    expect(cancel(order, stockNews('stock.released', order))).toBeUndefined();
  });
});

describe('stock.refused', () => {
  test('leaves a cancelled order without items, and those who wait for it hear of it', () => {
    const expected = anOrder();
    expect(cancel(undefined, stockNews('stock.refused', expected))).toEqual({
      order: { ...expected, status: 'cancelled', details: null },
      events: [{ type: 'order.cancelled', data: { orderId: expected.id } }],
    });
  });

  test('after the cancellation of its reservation changes nothing', () => {
    const order = anOrder({ status: 'cancelled', details: null });
    expect(cancel(order, stockNews('stock.refused', order))).toBeUndefined();
  });
});

describe('payment.captured', () => {
  test('pays an order, and asks the inventory for exactly its units', () => {
    const items = [aLine(2), aLine(1)];
    const order = anOrder({ details: { ...anOrder().details!, items } });
    const captured = paymentNews('payment.captured', order);
    const { id: orderId, reservationId, userId } = order;
    const lines = items.map(({ productId, quantity }) => ({ productId, quantity }));
    expect(pay(order, captured)).toEqual({
      order: { ...order, status: 'paid', paymentId: captured.paymentId },
      events: [{ type: 'order.paid', data: { reservationId, orderId, userId, items: lines } }],
    });
  });

  test('after the order was cancelled is sent back', () => {
    const order = anOrder({ status: 'cancelled' });
    const captured = paymentNews('payment.captured', order);
    expect(pay(order, captured)).toEqual({
      order: { ...order, paymentId: captured.paymentId },
      events: [{ type: 'order.refund-due', data: { orderId: order.id, paymentId: captured.paymentId } }],
    });
  });

  test('of an order of which only the end is known is sent back', () => {
    const order = anOrder({ status: 'cancelled', details: null });
    expect(pay(order, paymentNews('payment.captured', order))!.events).toMatchObject([{ type: 'order.refund-due' }]);
  });

  test.each(statuses)('a second payment of a %s order is sent back, and the first is not touched', (status) => {
    const order = anOrder({ status, paymentId: newId() });
    const second = paymentNews('payment.captured', order);
    expect(pay(order, second)).toEqual({
      order,
      events: [{ type: 'order.refund-due', data: { orderId: order.id, paymentId: second.paymentId } }],
    });
  });

  test.each(except('awaiting-payment'))('told again of the same payment, a %s order does nothing', (status) => {
    const paymentId = newId();
    const order = anOrder({ status, paymentId });
    expect(pay(order, paymentNews('payment.captured', order, paymentId))).toBeUndefined();
  });
});

describe('stock.committed', () => {
  test('confirms a paid order', () => {
    const order = anOrder({ status: 'paid', paymentId: newId() });
    expect(confirm(order)).toEqual({ order: { ...order, status: 'confirmed' }, events: [] });
  });

  test('a repeat changes nothing', () => {
    const order = anOrder({ status: 'confirmed', paymentId: newId() });
    expect(confirm(order)).toBeUndefined();
  });

  test.each(except('paid', 'confirmed'))('for a %s order is a bug', (status) => {
    expect(() => confirm(anOrder({ status }))).toThrow(`a ${status} order cannot become confirmed`);
  });
});

describe('stock.commit-refused', () => {
  test('sends the money of a paid order back; until it is back the order stays paid', () => {
    const paymentId = newId();
    const order = anOrder({ status: 'paid', paymentId });
    expect(refuseCommit(order)).toEqual({
      order,
      events: [{ type: 'order.refund-due', data: { orderId: order.id, paymentId } }],
    });
  });

  test('again, when the money is back already, changes nothing', () => {
    const order = anOrder({ status: 'refunded', paymentId: newId() });
    expect(refuseCommit(order)).toBeUndefined();
  });

  test.each(except('paid', 'refunded'))('for a %s order is a bug', (status) => {
    expect(() => refuseCommit(anOrder({ status, paymentId: newId() }))).toThrow(`no payment to refund for a ${status}`);
  });

  test('for an order without a payment is a bug', () => {
    expect(() => refuseCommit(anOrder({ status: 'paid' }))).toThrow('no payment to refund');
  });
});

describe('payment.refunded', () => {
  test('ends a paid order whose units were gone, and tells so', () => {
    const paymentId = newId();
    const order = anOrder({ status: 'paid', paymentId });
    expect(refund(order, paymentNews('payment.refunded', order, paymentId))).toEqual({
      order: { ...order, status: 'refunded' },
      events: [{ type: 'order.cancelled', data: { orderId: order.id } }],
    });
  });

  test('ends a cancelled order, which has been told already', () => {
    const paymentId = newId();
    const order = anOrder({ status: 'cancelled', paymentId });
    expect(refund(order, paymentNews('payment.refunded', order, paymentId))).toEqual({
      order: { ...order, status: 'refunded' },
      events: [],
    });
  });

  test.each(statuses)('of a second payment leaves a %s order to the first', (status) => {
    const order = anOrder({ status, paymentId: newId() });
    expect(refund(order, paymentNews('payment.refunded', order))).toBeUndefined();
  });

  test('again changes nothing', () => {
    const paymentId = newId();
    const order = anOrder({ status: 'refunded', paymentId });
    expect(refund(order, paymentNews('payment.refunded', order, paymentId))).toBeUndefined();
  });

  test.each(except('paid', 'cancelled', 'refunded'))('of the payment of a %s order is a bug', (status) => {
    const paymentId = newId();
    const order = anOrder({ status, paymentId });
    expect(() => refund(order, paymentNews('payment.refunded', order, paymentId))).toThrow('cannot become refunded');
  });
});

describe('payment.declined', () => {
  test.each(statuses)('is counted, and a %s order stays as it is', (status) => {
    const order = anOrder({ status, declinedPayments: 1 });
    expect(decline(order)).toEqual({ order: { ...order, declinedPayments: 2 }, events: [] });
  });
});

describe('payment and release race', () => {
  test('released first: cancelled, the payment is sent back, refunded', () => {
    const opened = anOrder();
    const cancelled = cancel(opened, stockNews('stock.released', opened))!.order;
    const captured = paymentNews('payment.captured', opened);
    const late = pay(cancelled, captured)!;
    expect([late.order.status, late.events[0]!.type]).toEqual(['cancelled', 'order.refund-due']);
    const refunded = refund(late.order, paymentNews('payment.refunded', opened, captured.paymentId))!;
    expect([refunded.order.status, refunded.events]).toEqual(['refunded', []]);
  });

  test('captured first, but the inventory has released: paid, refused, sent back, refunded and cancelled', () => {
    const opened = anOrder();
    const captured = paymentNews('payment.captured', opened);
    const paid = pay(opened, captured)!.order;
    expect(cancel(paid, stockNews('stock.released', opened))).toBeUndefined();
    const refused = refuseCommit(paid)!;
    expect(refused.events).toMatchObject([{ type: 'order.refund-due', data: { paymentId: captured.paymentId } }]);
    const refunded = refund(refused.order, paymentNews('payment.refunded', opened, captured.paymentId))!;
    expect([refunded.order.status, refunded.events.map(({ type }) => type)]).toEqual(['refunded', ['order.cancelled']]);
  });

  test('a second payment on a confirmed order is sent back and the order stays bought', () => {
    const opened = anOrder();
    const first = paymentNews('payment.captured', opened);
    const confirmed = confirm(pay(opened, first)!.order)!.order;
    const second = paymentNews('payment.captured', opened);
    const kept = pay(confirmed, second)!.order;
    const after = refund(kept, paymentNews('payment.refunded', opened, second.paymentId));
    expect(kept).toEqual({ ...confirmed, paymentId: first.paymentId });
    expect(after).toBeUndefined();
  });
});

describe('an order that ended unpaid so long ago that it was removed', () => {
  const forgotten = at({ isForgotten: () => true });
  const gone = anOrder();

  test('money that still comes is sent back', () => {
    const captured = paymentNews('payment.captured', gone);
    expect(about(decisions.pay, forgotten)(undefined, captured)).toMatchObject({
      events: [{ type: 'order.refund-due', data: { orderId: gone.id, paymentId: captured.paymentId } }],
    });
  });

  test('is not opened anew, declined or refunded', () => {
    const held = { ...stockNews('stock.held', gone), expiresAt: forgotten.now.toISOString() };
    expect(about(decisions.open, forgotten)(undefined, held)).toBeUndefined();
    expect(about(decisions.decline, forgotten)(undefined, paymentNews('payment.declined', gone))).toBeUndefined();
    expect(about(decisions.refund, forgotten)(undefined, paymentNews('payment.refunded', gone))).toBeUndefined();
  });

  test('but one whose hold goes on is opened', () => {
    const held = { ...stockNews('stock.held', gone), expiresAt: new Date(forgotten.now.getTime() + 1).toISOString() };
    expect(about(decisions.open, forgotten)(undefined, held)).toMatchObject({ events: [{ type: 'order.opened' }] });
  });

  test('one that is only not there yet is a bug to pay, decline or refund', () => {
    for (const decide of [
      () => pay(undefined, paymentNews('payment.captured', gone)),
      () => about(decisions.decline)(undefined, paymentNews('payment.declined', gone)),
      () => refund(undefined, paymentNews('payment.refunded', gone)),
    ])
      expect(decide).toThrow(`order ${gone.id} is not known`);
  });
});
