import { Router, type Response } from 'express';
import { z } from 'zod';
import { principalOf, requireUser, type AccessTokens } from '@flash-sale/shared/auth.ts';
import * as contract from '@flash-sale/contract/api/schemas.ts';
import { AppError } from '@flash-sale/contract/errors.ts';
import { bodyOf, idempotencyKeyOf, idOf, notThere, parse, preferredWaitMs } from '@flash-sale/shared/http/validate.ts';
import { newId, type OrderIds } from '@flash-sale/shared/ids.ts';
import type { Settlements } from '@flash-sale/shared/messaging/settlements.ts';
import type { TriedPayments } from '@flash-sale/shared/redis/tried-payments.ts';
import type { Gate } from './adapters/gate.ts';
import type { Limits } from './adapters/limits.ts';
import type { ReservationReads } from './adapters/reads.ts';
import type { ReservationLane } from './adapters/unit-of-work.ts';
import type { BoundRefusal } from './domain/bounds.ts';
import type { CartRefusal, CartResult } from './domain/cart.ts';
import type { ReserveInput, ReserveResult } from './domain/reservation.ts';
import type { Reservation } from './domain/state.ts';

export interface RouteOptions {
  lane: ReservationLane;
  reads: ReservationReads;
  gate: Gate;
  limits: Limits;
  triedPayments: TriedPayments;
  orderIds: OrderIds;
  settlements: Settlements<Reservation>;
  tokens: AccessTokens;
  /** Longest wait for the own chain of events when the client has no preference. */
  settleTimeoutMs: number;
}

/** Carts and reservations of the signed-in shopper. */
export function routes(options: RouteOptions): Router {
  const { lane, reads, gate, limits, triedPayments, orderIds, settlements, tokens, settleTimeoutMs } = options;
  const router = Router();
  const shopper = requireUser(tokens);

  router.post('/api/carts', shopper, async (request, response) => {
    bodyOf(request, contract.empty);
    await limits.cart(request);
    const cartId = newId();
    const { result } = await lane.run('createCart', { cartId, userId: principalOf(request).userId });
    response.status(201).location(`/api/carts/${cartId}`).json(cartOrRefusal(result));
  });

  router.get('/api/carts/:id', shopper, async (request, response) => {
    const cart = await reads.cart(idOf(request, 'cart'));
    if (cart?.userId !== principalOf(request).userId) throw notThere('cart');
    response.json({ id: cart.id, items: cart.items });
  });

  router.post('/api/carts/:id/items', shopper, async (request, response) => {
    const cartId = idOf(request, 'cart');
    const item = bodyOf(request, contract.cartItem);
    await limits.cart(request);
    if (await gate.isUnknown(item.productId)) throw notThere('product');
    const { result } = await lane.run('addItem', { cartId, userId: principalOf(request).userId, ...item });
    response.json(cartOrRefusal(result));
  });

  router.delete('/api/carts/:id/items/:productId', shopper, async (request, response) => {
    const cartId = idOf(request, 'cart');
    const productId = idOf(request, 'product', 'productId');
    await limits.cart(request);
    const { result } = await lane.run('removeItem', { cartId, productId, userId: principalOf(request).userId });
    response.json(cartOrRefusal(result));
  });

  router.post('/api/reservations', shopper, async (request, response) => {
    const idempotencyKey = idempotencyKeyOf(request);
    const { cartId } = bodyOf(request, contract.newReservation);
    const { userId } = principalOf(request);
    await limits.reservation(request);
    if (gate.isArmed) {
      const cart = await reads.cart(cartId);
      // A cart with a reservation, or one that is gone, may be that of a key which has an answer: the gate is for new demand.
      const isNew = cart?.userId === userId && cart.reservationId === null;
      if (isNew && (await gate.isSoldOut(cart.items))) throw rejection('sold-out');
    }

    const input = { reservationId: newId(), orderId: orderIds.mint(userId), userId, cartId, idempotencyKey };
    const { result, delivered } = await reserve(input);
    if ('refusal' in result) throw reserveRefusal(result);
    const settled = await settledOf(result.reservation, preferredWaitMs(request), delivered);
    answer(response, settled);
  });

  router.get('/api/reservations/:id', shopper, async (request, response) => {
    const reservation = await owned(idOf(request, 'reservation'), principalOf(request).userId);
    response.json(bodyOfReservation(await settledOf(reservation, preferredWaitMs(request))));
  });

  router.delete('/api/reservations/:id', shopper, async (request, response) => {
    const reservationId = idOf(request, 'reservation');
    await limits.reservation(request);
    const { result, delivered } = await lane.run('cancel', { reservationId, userId: principalOf(request).userId });
    if ('refusal' in result) throw cancelRefusal(result.refusal);
    const ended =
      endedOrNothing(result.reservation) ??
      (await wait(`${reservationId}/ended`, reservationId, endedOrNothing, preferredWaitMs(request), delivered));
    if (ended?.status === 'completed') throw cancelRefusal('reservation-completed');
    if (ended) response.json(bodyOfReservation(ended));
    else pending(response, (await reads.reservation(reservationId)) ?? result.reservation);
  });

  /** Before somebody is refused for holds that were given back unpaid, it is asked which of them somebody tried to pay. */
  async function reserve(input: ReserveInput): Promise<{ result: ReserveResult; delivered: Promise<void> }> {
    const first = await lane.run('reserve', input);
    if (!('refusal' in first.result) || first.result.refusal !== 'too-many-left') return first;
    const triedOrders = await triedPayments.among(first.result.orderIds);
    return triedOrders.length === 0 ? first : lane.run('reserve', { ...input, triedOrders });
  }

  async function owned(id: string, userId: string): Promise<Reservation> {
    const reservation = await reads.reservation(id);
    if (reservation?.userId !== userId) throw notThere('reservation');
    return reservation;
  }

  /** The reservation once it is decided, or as it stands when the time is up. Without `delivered` only a preference waits. */
  async function settledOf(
    reservation: Reservation,
    preferMs: number | undefined,
    delivered?: Promise<void>,
  ): Promise<Reservation> {
    if (decidedOrNothing(reservation)) return reservation;
    return (await wait(reservation.id, reservation.id, decidedOrNothing, preferMs, delivered)) ?? reservation;
  }

  function wait(
    topic: string,
    id: string,
    when: (reservation: Reservation | undefined) => Reservation | undefined,
    preferMs: number | undefined,
    delivered?: Promise<void>,
  ): Promise<Reservation | undefined> {
    const look = async () => when(await reads.reservation(id));
    if (preferMs !== undefined) return settlements.wait(topic, preferMs, look);
    return delivered ? settlements.wait(topic, settleTimeoutMs, look, delivered) : look();
  }

  return router;
}

const ordersQuestion = z.strictObject({ users: z.array(z.uuid()).max(256) });
/** Longer than an order is on its way in a shop that is well; after an outage it shows in the list when it comes. */
const latestMs = 10_000;

/** What other services may ask: which orders shoppers have been told of lately. */
export function internalRoutes(reads: ReservationReads): Router {
  const router = Router();
  router.post('/orders/latest', async (request, response) => {
    const { users } = parse(ordersQuestion, request.body);
    response.json({ orders: await reads.latestOrders(users, latestMs) });
  });
  return router;
}

const decidedOrNothing = (r: Reservation | undefined) => (r && r.status !== 'pending' ? r : undefined);
const endedOrNothing = (r: Reservation | undefined) =>
  r && r.status !== 'pending' && r.status !== 'held' ? r : undefined;

/** Tells waiters what has become of a reservation; to be called after the commit. */
export function announce(reservation: Reservation, settlements: Settlements<Reservation>): void {
  if (decidedOrNothing(reservation)) settlements.settle(reservation.id, reservation);
  if (endedOrNothing(reservation)) settlements.settle(`${reservation.id}/ended`, reservation);
}

function answer(response: Response, reservation: Reservation): void {
  if (reservation.status === 'pending') return pending(response, reservation);
  if (reservation.status === 'rejected') throw rejection(reservation.reason);
  response.status(201).location(`/api/reservations/${reservation.id}`).json(bodyOfReservation(reservation));
}

function pending(response: Response, reservation: Reservation): void {
  response.status(202).location(`/api/reservations/${reservation.id}`).json(bodyOfReservation(reservation));
}

const bodyOfReservation = (r: Reservation) => ({
  id: r.id,
  orderId: r.orderId,
  status: r.status,
  totalCents: r.totalCents,
  currency: r.currency,
  expiresAt: r.expiresAt?.toISOString() ?? null,
  ...(r.reason ? { reason: r.reason } : {}),
  items: r.items,
});

function rejection(reason: Reservation['reason']): AppError {
  switch (reason) {
    case 'sold-out':
      return new AppError('sold-out', 'Fewer units are left than you asked for. Nothing was reserved or charged.');
    case 'limit-exceeded':
      return new AppError(
        'limit-exceeded',
        'You would have more units of a product than one shopper may buy (`limitPerUser`), or may hold without having paid for them. Nothing was reserved. Ask for fewer units, or pay for what you hold first.',
      );
    case 'sale-closed':
      return new AppError('sale-closed', 'The sale of a product in the cart is not running. Nothing was reserved.');
    case 'mixed-currencies':
      return new AppError('mixed-currencies', 'The cart has products of several currencies; reserve them one by one.');
    case 'product-not-found':
      return new AppError('not-found', 'A product in the cart does not exist. Nothing was reserved.');
    case 'cancelled':
    case 'expired':
    case null:
      return new AppError('reservation-cancelled', 'The reservation was cancelled before it was decided.');
  }
}

function reserveRefusal(result: Extract<ReserveResult, { refusal: string }>): AppError {
  switch (result.refusal) {
    case 'not-found':
      return notThere('cart');
    case 'cart-empty':
      return new AppError('cart-empty', 'Put something into the cart first. Nothing was reserved.');
    case 'cart-reserved':
      return new AppError('cart-reserved', 'This cart is reserved already. Nothing was reserved a second time.');
    case 'idempotency-key-reused':
      return new AppError(result.refusal, 'This key was used for another cart. Nothing was reserved; send a new key.');
    case 'removed':
      return result.reason === 'cancelled' || result.reason === 'expired' || result.reason === null
        ? new AppError('reservation-cancelled', 'The reservation of this key has ended long ago. Nothing was reserved.')
        : rejection(result.reason);
    case 'too-many-open':
    case 'too-many-left':
      return boundRefusal(result);
  }
}

function boundRefusal(result: BoundRefusal): AppError {
  if (result.refusal === 'too-many-open')
    return new AppError(
      'limit-exceeded',
      'You have as many open reservations as one shopper may have. Nothing was reserved. Pay for one of them or cancel it first.',
    );
  return new AppError(
    'limit-exceeded',
    'You have left too many reservations to expire within the last hour, or cancelled them late. Nothing was reserved. Wait as long as Retry-After says.',
    { retryAfterSeconds: Math.max(1, Math.ceil((result.retryAt.getTime() - Date.now()) / 1_000)) },
  );
}

function cancelRefusal(refusal: 'not-found' | 'reservation-completed'): AppError {
  if (refusal === 'not-found') return notThere('reservation');
  return new AppError(refusal, 'The reservation is bought already and cannot be cancelled. Nothing was changed.');
}

function cartOrRefusal(result: CartResult): { id: string; items: { productId: string; quantity: number }[] } {
  if ('cart' in result) return result.cart;
  throw cartRefusal(result.refusal);
}

function cartRefusal(refusal: CartRefusal): AppError {
  switch (refusal) {
    case 'not-found':
      return notThere('cart');
    case 'cart-reserved':
      return new AppError(
        refusal,
        'This cart is reserved and cannot be changed. Cancel the reservation, or start a new cart.',
      );
    case 'cart-full':
      return new AppError(refusal, 'A cart may hold 20 products. Nothing was added.');
    case 'too-many-units':
      return new AppError('cart-full', 'A cart may hold 1,000 units of a product. Nothing was added.', {
        errors: [{ path: 'quantity', message: 'more than 1,000 units in all' }],
      });
  }
}
