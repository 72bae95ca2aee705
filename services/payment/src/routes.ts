import { Router, type Response } from 'express';
import { principalOf, requireUser, type AccessTokens } from '@flash-sale/shared/auth.ts';
import * as contract from '@flash-sale/contract/api/schemas.ts';
import { AppError } from '@flash-sale/contract/errors.ts';
import { bodyOf, idempotencyKeyOf, idOf, notThere, preferredWaitMs } from '@flash-sale/shared/http/validate.ts';
import { newId, type OrderIds } from '@flash-sale/shared/ids.ts';
import type { Settlements } from '@flash-sale/shared/messaging/settlements.ts';
import type { PaymentReads } from './adapters/reads.ts';
import type { PaymentLane } from './adapters/unit-of-work.ts';
import type { PayRefusal } from './domain/payment.ts';
import type { Payment } from './domain/state.ts';

export interface RouteOptions {
  lane: PaymentLane;
  reads: PaymentReads;
  orderIds: OrderIds;
  settlements: Settlements<Payment>;
  tokens: AccessTokens;
  /** Longest wait for the own chain of events when the client has no preference. */
  settleTimeoutMs: number;
  /** Longest wait for an order that was announced to its shopper but has not arrived yet. */
  arrivalTimeoutMs: number;
}

/** Payments of the signed-in shopper. */
export function routes(options: RouteOptions): Router {
  const { lane, reads, orderIds, settlements, tokens, settleTimeoutMs, arrivalTimeoutMs } = options;
  const router = Router();
  const shopper = requireUser(tokens);

  router.post('/api/payments', shopper, async (request, response) => {
    const idempotencyKey = idempotencyKeyOf(request);
    const { orderId, method } = bodyOf(request, contract.newPayment);
    const { userId } = principalOf(request);
    if (!orderIds.isMinted(orderId, userId)) throw notThere('order');
    const input = { paymentId: newId(), orderId, userId, idempotencyKey, methodToken: method.token };
    const { result, delivered } = await lane.run('pay', input);
    if ('refusal' in result) throw refusalOf(result.refusal);
    answer(response, await settledOf(result.payment, preferredWaitMs(request), delivered));
  });

  router.get('/api/payments/:id', shopper, async (request, response) => {
    const payment = await reads.payment(idOf(request, 'payment'));
    if (payment?.userId !== principalOf(request).userId) throw notThere('payment');
    response.json(bodyOfPayment(await settledOf(payment, preferredWaitMs(request))));
  });

  /** The payment once the gateway has answered, or as it stands when the time is up. */
  async function settledOf(
    payment: Payment,
    preferMs: number | undefined,
    delivered?: Promise<void>,
  ): Promise<Payment> {
    const look = async () => settledOrNothing(await reads.payment(payment.id));
    if (settledOrNothing(payment)) return payment;
    if (preferMs !== undefined) return (await settlements.wait(payment.id, preferMs, look)) ?? payment;
    if (!delivered) return payment;
    // Its order is on the way, by somebody else's delivery: ours has nothing to tell.
    if (payment.amountCents === null) return (await settlements.wait(payment.id, arrivalTimeoutMs, look)) ?? payment;
    return (await settlements.wait(payment.id, settleTimeoutMs, look, delivered)) ?? payment;
  }

  return router;
}

const settledOrNothing = (p: Payment | undefined) => (p && p.status !== 'pending' ? p : undefined);

/** Tells waiters what has become of a payment; to be called after the commit. */
export function announce(payment: Payment, settlements: Settlements<Payment>): void {
  if (settledOrNothing(payment)) settlements.settle(payment.id, payment);
}

function answer(response: Response, payment: Payment): void {
  if (payment.status === 'declined') {
    if (payment.reason === 'order-not-payable') throw refusalOf('order-not-payable');
    throw new AppError('payment-declined', `The payment was declined (${payment.reason}). Nothing was charged.`);
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

function refusalOf(refusal: PayRefusal): AppError {
  switch (refusal) {
    case 'already-paid':
      return new AppError(refusal, 'The order is paid already. Nothing was charged a second time.');
    case 'payment-under-way':
      return new AppError(
        'order-not-payable',
        'Another payment of this order is under way. Nothing was charged by this one.',
      );
    case 'order-not-payable':
      return new AppError(refusal, 'The order has expired or was cancelled. Nothing was charged.');
    case 'idempotency-key-reused':
      return new AppError(refusal, 'This key was used for another payment. Nothing was charged; send a new key.');
  }
}
