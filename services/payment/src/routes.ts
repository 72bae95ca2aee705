import { Router, type Response } from 'express';
import { principalOf, requireUser, type AccessTokens } from '@flash-sale/shared/auth.ts';
import * as contract from '@flash-sale/contract/api/schemas.ts';
import { bodyOf, idempotencyKeyOf, idOf, notFound, preferredWaitMs } from '@flash-sale/shared/http/validate.ts';
import { newId, type OrderIds } from '@flash-sale/shared/ids.ts';
import { linkTo } from '@flash-sale/shared/tracing/running.ts';
import type { PaymentReads } from './adapters/reads.ts';
import type { PaymentLane } from './adapters/unit-of-work.ts';
import type { Payment } from './domain/state.ts';
import type { PaymentOutcomes } from './outcomes.ts';
import { declined, refusalOf } from './problems.ts';

export interface RouteOptions {
  lane: PaymentLane;
  reads: PaymentReads;
  orderIds: OrderIds;
  outcomes: PaymentOutcomes;
  tokens: AccessTokens;
  /** Longest wait for the payment's own chain of events when the client has no preference. */
  settleTimeoutMs: number;
  /** Longest wait for an order that was announced to its shopper but has not arrived here yet. */
  arrivalTimeoutMs: number;
}

/** Payments of the signed-in shopper. */
export function routes(options: RouteOptions): Router {
  const { lane, reads, orderIds, outcomes, tokens, settleTimeoutMs, arrivalTimeoutMs } = options;
  const router = Router();
  const shopper = requireUser(tokens);

  router.post('/api/payments', shopper, async (request, response) => {
    const idempotencyKey = idempotencyKeyOf(request);
    const { orderId, method } = bodyOf(request, contract.newPayment);
    const { userId } = principalOf(request);
    if (!orderIds.isMinted(orderId, userId)) throw notFound('order');
    const input = { paymentId: newId(), orderId, userId, idempotencyKey, methodToken: method.token };
    const { result, delivered } = await lane.run('pay', input);
    if ('refusal' in result) throw refusalOf(result.refusal);
    const { payment, origin } = result;
    linkTo(origin);
    const otherwise =
      payment.amountCents === null
        ? // It waits for its order, which another service delivers: our own delivery tells nothing.
          { timeoutMs: arrivalTimeoutMs }
        : { timeoutMs: settleTimeoutMs, giveUp: delivered };
    const decided = await outcomes.asPreferred(payment, 'decided', preferredWaitMs(request), otherwise);
    answer(response, decided ?? payment);
  });

  router.get('/api/payments/:id', shopper, async (request, response) => {
    const { userId } = principalOf(request);
    const payment = await reads.payment(idOf(request, 'payment'), userId);
    if (payment?.userId !== userId) throw notFound('payment');
    const decided = await outcomes.asPreferred(payment, 'decided', preferredWaitMs(request));
    response.json(bodyOfPayment(decided ?? payment));
  });

  return router;
}

function answer(response: Response, payment: Payment): void {
  if (payment.status === 'declined') {
    throw payment.reason === 'order-not-payable' ? refusalOf(payment.reason) : declined(payment.reason);
  }
  response
    .status(payment.status === 'pending' ? 202 : 201)
    .location(`/api/payments/${payment.id}`)
    .json(bodyOfPayment(payment));
}

const bodyOfPayment = (payment: Payment) => ({
  id: payment.id,
  orderId: payment.orderId,
  status: payment.status,
  amountCents: payment.amountCents,
  currency: payment.currency,
  ...(payment.reason ? { reason: payment.reason } : {}),
});
