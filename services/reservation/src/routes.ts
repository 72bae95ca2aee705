import { Router, type Response } from 'express';
import { z } from 'zod';
import { principalOf, requireUser, type AccessTokens } from '@flash-sale/shared/auth.ts';
import * as contract from '@flash-sale/contract/api/schemas.ts';
import type { BeginsJourney } from '@flash-sale/shared/http/admission.ts';
import { bodyOf, idempotencyKeyOf, idOf, notFound, parse, preferredWaitMs } from '@flash-sale/shared/http/validate.ts';
import { newId, type OrderIds } from '@flash-sale/shared/ids.ts';
import type { TriedPayments } from '@flash-sale/shared/redis/tried-payments.ts';
import type { Gate } from './adapters/gate.ts';
import type { Limits } from './adapters/limits.ts';
import type { ReservationReads } from './adapters/reads.ts';
import type { ReservationLane } from './adapters/unit-of-work.ts';
import type { CartResult } from './domain/cart.ts';
import type { ReserveInput, ReserveResult } from './domain/reservation.ts';
import type { CartLine, Reservation } from './domain/state.ts';
import type { ReservationOutcomes } from './outcomes.ts';
import { cancelRefusal, cartRefusal, rejection, reserveRefusal } from './problems.ts';

export interface RouteOptions {
  lane: ReservationLane;
  reads: ReservationReads;
  gate: Gate;
  limits: Limits;
  triedPayments: TriedPayments;
  orderIds: OrderIds;
  outcomes: ReservationOutcomes;
  tokens: AccessTokens;
  beginsJourney: BeginsJourney;
  /** Longest wait for the request's own chain of events when the client has no preference. */
  settleTimeoutMs: number;
}

/** Carts and reservations of the signed-in shopper. */
export function routes(options: RouteOptions): Router {
  const { lane, reads, gate, limits, triedPayments, orderIds, outcomes, tokens, beginsJourney, settleTimeoutMs } =
    options;
  const router = Router();
  const shopper = requireUser(tokens);

  router.post('/api/carts', beginsJourney('cart'), shopper, async (request, response) => {
    bodyOf(request, contract.empty);
    await limits.cart(request);
    const cartId = newId();
    const { result } = await lane.run('createCart', { cartId, userId: principalOf(request).userId });
    response.status(201).location(`/api/carts/${cartId}`).json(cartOrRefusal(result));
  });

  router.get('/api/carts/:id', shopper, async (request, response) => {
    const { userId } = principalOf(request);
    const cart = await reads.cart(idOf(request, 'cart'), userId);
    if (cart?.userId !== userId) throw notFound('cart');
    response.json({ id: cart.id, items: cart.items });
  });

  router.post('/api/carts/:id/items', shopper, async (request, response) => {
    const cartId = idOf(request, 'cart');
    const item = bodyOf(request, contract.cartItem);
    await limits.cart(request);
    if (await gate.isUnknown(item.productId)) throw notFound('product');
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
      // The gate is for new demand only: a reserved or missing cart may belong to a repeated key, which has an answer already.
      const lines = await newLines(cartId, userId);
      // Looked at again, for it may be the same request of a moment ago that has taken the last unit.
      if (lines && (await gate.isSoldOut(lines)) && (await newLines(cartId, userId))) throw rejection('sold-out');
    }

    const input = { reservationId: newId(), orderId: orderIds.mint(userId), userId, cartId, idempotencyKey };
    const { result, delivered } = await reserve(input);
    if ('refusal' in result) throw reserveRefusal(result);
    const { reservation } = result;
    const otherwise = { timeoutMs: settleTimeoutMs, giveUp: delivered };
    const decided = await outcomes.asPreferred(reservation, 'decided', preferredWaitMs(request), otherwise);
    answer(response, decided ?? reservation);
  });

  router.get('/api/reservations/:id', shopper, async (request, response) => {
    const reservation = await owned(idOf(request, 'reservation'), principalOf(request).userId);
    const decided = await outcomes.asPreferred(reservation, 'decided', preferredWaitMs(request));
    response.json(bodyOfReservation(decided ?? reservation));
  });

  router.delete('/api/reservations/:id', shopper, async (request, response) => {
    const reservationId = idOf(request, 'reservation');
    await limits.reservation(request);
    const { result, delivered } = await lane.run('cancel', { reservationId, userId: principalOf(request).userId });
    if ('refusal' in result) throw cancelRefusal(result.refusal);
    const otherwise = { timeoutMs: settleTimeoutMs, giveUp: delivered };
    const ended = await outcomes.asPreferred(result.reservation, 'ended', preferredWaitMs(request), otherwise);
    if (ended?.status === 'completed') throw cancelRefusal('reservation-completed');
    if (ended) response.json(bodyOfReservation(ended));
    else pending(response, (await reads.reservation(reservationId)) ?? result.reservation);
  });

  /** What is in a cart that was never reserved; undefined without one. */
  async function newLines(cartId: string, userId: string): Promise<CartLine[] | undefined> {
    const cart = await reads.cart(cartId);
    return cart?.userId === userId && cart.reservationId === null ? cart.items : undefined;
  }

  /** Before a shopper is refused for abandoned holds, looks up for which of them a payment was attempted. */
  async function reserve(input: ReserveInput): Promise<{ result: ReserveResult; delivered: Promise<void> }> {
    const first = await lane.run('reserve', input);
    if (!('refusal' in first.result) || first.result.refusal !== 'too-many-left') return first;
    const triedOrders = await triedPayments.among(first.result.orderIds);
    return triedOrders.length === 0 ? first : lane.run('reserve', { ...input, triedOrders });
  }

  async function owned(id: string, userId: string): Promise<Reservation> {
    const reservation = await reads.reservation(id, userId);
    if (reservation?.userId !== userId) throw notFound('reservation');
    return reservation;
  }

  return router;
}

const ordersQuestion = z.strictObject({ users: z.array(z.uuid()).max(256) });
/** Longer than an order takes to arrive, unless a service is down; then it is listed once it has arrived. */
const latestMs = 10_000;

/** For other services: which orders have lately been announced to shoppers. */
export function internalRoutes(reads: ReservationReads): Router {
  const router = Router();
  router.post('/orders/latest', async (request, response) => {
    const { users } = parse(ordersQuestion, request.body);
    response.json({ orders: await reads.latestOrders(users, latestMs) });
  });
  return router;
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

function cartOrRefusal(result: CartResult): { id: string; items: { productId: string; quantity: number }[] } {
  if ('cart' in result) return result.cart;
  throw cartRefusal(result.refusal);
}
