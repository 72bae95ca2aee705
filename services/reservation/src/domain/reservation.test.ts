import { describe, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { anOutbox } from '@flash-sale/shared/testing/outbox.ts';
import { aCart, aLine, at, aReservation, aReservedCart, given, toReserve, untouched } from '../testing/builders.ts';
import { applyStockEvent, cancel, reserve, type StockEvent } from './reservation.ts';
import { reservationStatuses, type Reservation, type ReservationStatus } from './state.ts';

const statuses = Object.keys(reservationStatuses) as ReservationStatus[];

describe('reserve', () => {
  test('asks the inventory for the lines as they are now, and closes the cart', () => {
    const cart = aCart({ items: [aLine(2), aLine(1)] });
    const state = given({ carts: [cart] });
    const { events, tell } = anOutbox();
    const input = toReserve(cart);

    const result = tell(reserve(input, state, at()));

    const { reservationId, orderId, userId } = input;
    expect(result).toMatchObject({
      repeated: false,
      reservation: { id: reservationId, orderId, userId, cartId: cart.id, status: 'pending', totalCents: null },
    });
    expect(events).toEqual([
      { type: 'reservation.requested', data: { reservationId, orderId, userId, items: cart.items } },
    ]);
    expect([...state.newReservations]).toMatchObject([{ id: reservationId, items: cart.items }]);
    expect([...state.changedCarts]).toEqual([cart]);
    expect(cart).toMatchObject({ reservationId, reservationStatus: 'pending' });
  });

  test('what is reserved does not change with the cart', () => {
    const cart = aCart({ items: [aLine(2)] });
    const { events, tell } = anOutbox();
    const state = given({ carts: [cart] });
    tell(reserve(toReserve(cart), state, at()));
    cart.items[0]!.quantity = 50;
    expect(events).toMatchObject([{ data: { items: [{ quantity: 2 }] } }]);
    expect([...state.newReservations]).toMatchObject([{ items: [{ quantity: 2 }] }]);
  });

  test.each(statuses)('the same key again answers with the %s reservation that it made, and asks nobody', (status) => {
    const { cart, reservation } = aReservedCart({ status });
    const state = given({ carts: [cart], reservations: [reservation] });
    const { events, tell } = anOutbox();
    const { idempotencyKey } = reservation;
    expect(tell(reserve(toReserve(cart, { idempotencyKey }), state, at()))).toEqual({ reservation, repeated: true });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('the same key twice in one batch makes one reservation', () => {
    const cart = aCart({ items: [aLine()] });
    const state = given({ carts: [cart] });
    const { events, tell } = anOutbox();
    const idempotencyKey = newId();
    const first = tell(reserve(toReserve(cart, { idempotencyKey }), state, at()));
    const second = tell(reserve(toReserve(cart, { idempotencyKey }), state, at()));
    expect(second).toEqual({ ...first, repeated: true });
    expect(events).toHaveLength(1);
    expect(state.newReservations.size).toBe(1);
  });

  test('the same key for another cart is refused, though that cart could be reserved', () => {
    const { cart, reservation } = aReservedCart({ status: 'released' });
    const other = aCart({ userId: cart.userId, items: [aLine()] });
    const state = given({ carts: [cart, other], reservations: [reservation] });
    const { events, tell } = anOutbox();
    const { idempotencyKey } = reservation;
    expect(tell(reserve(toReserve(other, { idempotencyKey }), state, at()))).toEqual({
      refusal: 'idempotency-key-reused',
    });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('keys of different shoppers are different keys', () => {
    const { reservation } = aReservedCart();
    const cart = aCart({ items: [aLine()] });
    const state = given({ carts: [cart], reservations: [reservation] });
    const result = anOutbox().tell(
      reserve(toReserve(cart, { idempotencyKey: reservation.idempotencyKey }), state, at()),
    );
    expect(result).toMatchObject({ repeated: false });
  });

  test.each<[string, string, Parameters<typeof aCart>[0]]>([
    ['an empty cart', 'cart-empty', { items: [] }],
    ['a cart under way', 'cart-reserved', { items: [aLine()], reservationId: newId(), reservationStatus: 'pending' }],
    ['a held cart', 'cart-reserved', { items: [aLine()], reservationId: newId(), reservationStatus: 'held' }],
    ['a bought cart', 'cart-reserved', { items: [aLine()], reservationId: newId(), reservationStatus: 'completed' }],
    ['a cart just taken by another instance', 'cart-reserved', { items: [aLine()], reservationId: newId() }],
  ])('%s is refused: %s', (_what, refusal, overrides) => {
    const cart = aCart(overrides);
    const before = structuredClone(cart);
    const state = given({ carts: [cart] });
    const { events, tell } = anOutbox();
    expect(tell(reserve(toReserve(cart), state, at()))).toEqual({ refusal });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
    expect(cart).toEqual(before);
  });

  test("somebody else's cart, or none at all, is not there", () => {
    const cart = aCart({ items: [aLine()] });
    const state = given({ carts: [cart] });
    const { events, tell } = anOutbox();
    expect(tell(reserve(toReserve(cart, { userId: newId() }), state, at()))).toEqual({ refusal: 'not-found' });
    expect(tell(reserve(toReserve(cart, { cartId: newId() }), state, at()))).toEqual({ refusal: 'not-found' });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test.each(['rejected', 'released'] as const)('a cart whose reservation was %s can be reserved again', (status) => {
    const { cart, reservation } = aReservedCart({ status });
    const state = given({ carts: [cart], reservations: [reservation] });
    const input = toReserve(cart);
    expect(anOutbox().tell(reserve(input, state, at()))).toMatchObject({ repeated: false });
    expect(cart.reservationId).toBe(input.reservationId);
    expect(reservation.status).toBe(status);
  });
});

describe('cancel', () => {
  const now = new Date();
  const about = ({ id, userId }: Reservation) => ({ reservationId: id, userId });

  test.each(['pending', 'held'] as const)(
    'a %s reservation: asks the inventory, and stays until it answers',
    (status) => {
      const reservation = aReservation({ status, items: [{ ...aLine(2), name: 'Comet', unitPriceCents: 100 }] });
      const state = given({ reservations: [reservation] });
      const { events, tell } = anOutbox();
      expect(tell(cancel(about(reservation), state, at({ now })))).toEqual({ reservation });
      expect(reservation).toMatchObject({ status, cancelRequested: true, cancelledAt: now });
      expect([...state.changedReservations]).toEqual([reservation]);
      const { id: reservationId, orderId, userId, items } = reservation;
      const lines = items.map(({ productId, quantity }) => ({ productId, quantity }));
      expect(events).toEqual([
        { type: 'reservation.cancelled', data: { reservationId, orderId, userId, items: lines } },
      ]);
    },
  );

  test('twice asks once', () => {
    const reservation = aReservation({ status: 'held', cancelRequested: true });
    const state = given({ reservations: [reservation] });
    const { events, tell } = anOutbox();
    expect(tell(cancel(about(reservation), state, at({ now })))).toEqual({ reservation });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test.each(['rejected', 'released'] as const)('a %s reservation is as good as cancelled', (status) => {
    const reservation = aReservation({ status });
    const state = given({ reservations: [reservation] });
    const { events, tell } = anOutbox();
    expect(tell(cancel(about(reservation), state, at({ now })))).toEqual({ reservation });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test('a completed reservation is refused', () => {
    const reservation = aReservation({ status: 'completed' });
    const state = given({ reservations: [reservation] });
    const { events, tell } = anOutbox();
    expect(tell(cancel(about(reservation), state, at({ now })))).toEqual({ refusal: 'reservation-completed' });
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });

  test("somebody else's reservation, or none at all, is not there", () => {
    const reservation = aReservation({ status: 'held' });
    const state = given({ reservations: [reservation] });
    const { events, tell } = anOutbox();
    const notFound = { refusal: 'not-found' };
    expect(tell(cancel({ ...about(reservation), userId: newId() }, state, at({ now })))).toEqual(notFound);
    expect(tell(cancel({ ...about(reservation), reservationId: newId() }, state, at({ now })))).toEqual(notFound);
    expect(events).toEqual([]);
    expect(untouched(state)).toBe(true);
  });
});

describe('applyStockEvent', () => {
  const newsOf = (type: StockEvent['type'], { id: reservationId, orderId, userId }: Reservation) =>
    anEvent(type, { reservationId, orderId, userId }) as StockEvent;

  /** Status before, what the inventory says, status after. Prices are kept in every case. */
  const table: [ReservationStatus, StockEvent['type'], ReservationStatus][] = [
    ['pending', 'stock.held', 'held'],
    ['pending', 'stock.refused', 'rejected'],
    ['pending', 'stock.released', 'released'],
    ['pending', 'stock.committed', 'completed'],
    ['held', 'stock.held', 'held'],
    ['held', 'stock.refused', 'held'],
    ['held', 'stock.released', 'released'],
    ['held', 'stock.committed', 'completed'],
    ['rejected', 'stock.held', 'rejected'],
    ['rejected', 'stock.refused', 'rejected'],
    ['rejected', 'stock.released', 'rejected'],
    ['rejected', 'stock.committed', 'rejected'],
    ['released', 'stock.held', 'released'],
    ['released', 'stock.refused', 'released'],
    ['released', 'stock.released', 'released'],
    ['released', 'stock.committed', 'released'],
    ['completed', 'stock.held', 'completed'],
    ['completed', 'stock.refused', 'completed'],
    ['completed', 'stock.released', 'completed'],
    ['completed', 'stock.committed', 'completed'],
  ];

  test.each(table)('%s, then %s: %s', (before, type, after) => {
    const reservation = aReservation({ status: before });
    const state = given({ reservations: [reservation] });
    const news = newsOf(type, reservation);

    applyStockEvent(news, state, at());

    expect(reservation.status).toBe(after);
    expect([...state.statusChanged]).toEqual(before === after ? [] : [reservation]);
    expect(state.changedReservations.has(reservation)).toBe(before !== after || type === 'stock.held');
    if (news.type === 'stock.held') {
      const { items, totalCents, currency, expiresAt } = news.data;
      expect(reservation).toMatchObject({ items, totalCents, currency, expiresAt: new Date(expiresAt) });
    }
    const hasReason = before !== after && (after === 'rejected' || after === 'released');
    expect(reservation.reason).toBe(hasReason ? { rejected: 'sold-out', released: 'expired' }[after] : null);
  });

  test('prices that come after the release are kept, and so is the reason', () => {
    const reservation = aReservation();
    const state = given({ reservations: [reservation] });
    const [held, released] = [newsOf('stock.held', reservation), newsOf('stock.released', reservation)];
    applyStockEvent(released, state, at());
    applyStockEvent(held, state, at());
    expect([...state.statusChanged]).toEqual([reservation]);
    expect(reservation).toMatchObject({ status: 'released', reason: 'expired', totalCents: 4_900, currency: 'EUR' });
  });

  test('a completion that overtakes the hold ends the same as one that does not', () => {
    const [early, late] = [aReservation(), aReservation()];
    const state = given({ reservations: [early, late] });
    applyStockEvent(newsOf('stock.committed', early), state, at());
    applyStockEvent(newsOf('stock.held', early), state, at());
    applyStockEvent(newsOf('stock.held', late), state, at());
    applyStockEvent(newsOf('stock.committed', late), state, at());
    expect(early).toMatchObject({ status: 'completed', totalCents: 4_900 });
    expect(late).toMatchObject({ status: 'completed', totalCents: 4_900 });
  });

  test('news of a reservation made in the same batch is saved with it, once', () => {
    const cart = aCart({ items: [aLine()] });
    const state = given({ carts: [cart] });
    const input = toReserve(cart);
    anOutbox().tell(reserve(input, state, at()));
    applyStockEvent(anEvent('stock.refused', { reservationId: input.reservationId }), state, at());
    expect([...state.newReservations]).toMatchObject([{ status: 'rejected', reason: 'sold-out' }]);
    expect(state.changedReservations.size).toBe(0);
  });

  test('news of a reservation that nobody made is a bug', () => {
    expect(() => applyStockEvent(anEvent('stock.held'), given({}), at())).toThrow(/nobody made/);
  });
});
