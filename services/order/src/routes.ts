import { Router } from 'express';
import { principalOf, requireUser, type AccessTokens } from '@flash-sale/shared/auth.ts';
import * as contract from '@flash-sale/contract/api/schemas.ts';
import { idOf, notFound, parse, preferredWaitMs } from '@flash-sale/shared/http/validate.ts';
import { mintedAtMs, type OrderIds } from '@flash-sale/shared/ids.ts';
import type { ExpectedOrders } from './adapters/expected-orders.ts';
import type { OrderReads } from './adapters/reads.ts';
import type { OrderRow } from './adapters/tables.ts';
import type { OrderOutcomes } from './outcomes.ts';
import { notKnownYet } from './problems.ts';

export interface RouteOptions {
  reads: OrderReads;
  expected: Pick<ExpectedOrders, 'of'>;
  orderIds: OrderIds;
  outcomes: OrderOutcomes;
  tokens: AccessTokens;
  /** Longest wait for an order that was announced to its shopper but has not arrived here yet. */
  arrivalTimeoutMs: number;
}

/** If no event about an order has arrived by then, not even a refusal, none ever will. */
const arrivalGraceMs = 600_000;

/** Orders of the signed-in shopper. */
export function routes({ reads, expected, orderIds, outcomes, tokens, arrivalTimeoutMs }: RouteOptions): Router {
  const router = Router();
  const shopper = requireUser(tokens);

  router.get('/api/orders', shopper, async (request, response) => {
    const { limit, cursor } = parse(contract.pageQuery, request.query);
    const { userId } = principalOf(request);
    // Newest first: only the first page can miss an order that is still to arrive.
    if (cursor === undefined) await waitForAll(userId, await expected.of(userId));
    const { orders, nextCursor } = await reads.page(userId, limit, cursor);
    response.json({ items: orders.map(bodyOfOrder), nextCursor });
  });

  router.get('/api/orders/:id', shopper, async (request, response) => {
    const id = idOf(request, 'order');
    const { userId } = principalOf(request);
    if (!orderIds.isMinted(id, userId)) throw notFound('order');
    const preferMs = preferredWaitMs(request) ?? 0;
    const startedAt = performance.now();
    const mayArrive = Date.now() - mintedAtMs(id) < arrivalGraceMs;
    const patienceMs = mayArrive ? Math.max(preferMs, arrivalTimeoutMs) : 0;
    const order = await outcomes.until(id, 'arrived', userId, { timeoutMs: patienceMs });
    if (!order && mayArrive) throw notKnownYet();
    // Without items it was cancelled before it was opened, or never could be: clients get no such order.
    if (!order?.items || order.user_id !== userId) throw notFound('order');
    const leftMs = preferMs - (performance.now() - startedAt);
    const final = leftMs > 0 ? await outcomes.until(id, 'final', userId, { timeoutMs: leftMs }) : undefined;
    response.json(bodyOfOrder(final ?? (await reads.order(id, userId)) ?? order));
  });

  /** The list waits for announced orders as the route of a single order does. */
  async function waitForAll(userId: string, ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => outcomes.until(id, 'arrived', userId, { timeoutMs: arrivalTimeoutMs })));
  }

  return router;
}

const bodyOfOrder = (order: OrderRow) => ({
  id: order.id,
  reservationId: order.reservation_id,
  status: order.status,
  totalCents: order.total_cents,
  currency: order.currency,
  expiresAt: order.expires_at?.toISOString(),
  createdAt: order.created_at.toISOString(),
  declinedPayments: order.declined_payments,
  items: order.items,
});
