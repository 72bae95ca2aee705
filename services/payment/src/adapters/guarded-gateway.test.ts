import { describe, expect, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import type { Charge, Gateway, Outcome } from '../gateway.ts';
import { guarded } from './guarded-gateway.ts';

const charge = (): Charge => ({
  paymentId: newId(),
  orderId: newId(),
  amountCents: 4_900,
  currency: 'EUR',
  methodToken: 'tok_ok',
});
const captured: Outcome = { captured: true };
const never = () => new Promise<never>(() => {});
const fail = () => Promise.reject(new Error('the gateway had an internal error'));

/** Answers each call with the next of these, the last one for ever. */
function aGateway(...answers: (() => Promise<Outcome>)[]) {
  const asked: string[] = [];
  const next = (paymentId: string) => answers[Math.min(asked.push(paymentId), answers.length) - 1]!();
  const gateway: Gateway = {
    capture: ({ paymentId }) => next(paymentId),
    refund: async (paymentId) => void (await next(paymentId)),
  };
  return { asked, gateway };
}

const unavailable = { name: 'AppError', code: 'unavailable' };

describe('a guarded gateway', () => {
  test('hands an answer through, a refusal too', async () => {
    const declined: Outcome = { captured: false, reason: 'card-declined' };
    const { asked, gateway } = aGateway(() => Promise.resolve(declined));
    expect(await guarded(gateway, 1_000).capture(charge())).toEqual(declined);
    expect(asked).toHaveLength(1);
  });

  test('asks once more after a plain failure, for the same payment', async () => {
    const { asked, gateway } = aGateway(fail, () => Promise.resolve(captured));
    const one = charge();
    expect(await guarded(gateway, 1_000).capture(one)).toEqual(captured);
    expect(asked).toEqual([one.paymentId, one.paymentId]);
  });

  // A failure that counts as lasting would send the event to the dead letters, and the money with it.
  test('a failure that stays is one that may pass', async () => {
    const { asked, gateway } = aGateway(fail);
    await expect(guarded(gateway, 1_000).capture(charge())).rejects.toMatchObject(unavailable);
    expect(asked).toHaveLength(2);
    await expect(guarded(gateway, 1_000).refund(newId())).rejects.toMatchObject(unavailable);
  });

  test('no answer in time: the outcome is unknown, and is not asked for again here', async () => {
    const { asked, gateway } = aGateway(never);
    await expect(guarded(gateway, 20).capture(charge())).rejects.toMatchObject(unavailable);
    expect(asked).toHaveLength(1);
  });

  test('spares a gateway that fails most calls', async () => {
    const { asked, gateway } = aGateway(fail);
    const calm = guarded(gateway, 1_000);
    await Promise.allSettled(Array.from({ length: 100 }, () => calm.capture(charge())));
    const before = asked.length;
    await expect(calm.capture(charge())).rejects.toMatchObject(unavailable);
    expect(asked).toHaveLength(before);
  });
});
