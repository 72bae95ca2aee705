import {
  bulkhead,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  handleWhen,
  retry,
  SamplingBreaker,
  TaskCancelledError,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { AppError } from '@flash-sale/contract/errors.ts';
import { running, traced } from '@flash-sale/shared/tracing/running.ts';
import type { Gateway } from '../gateway.ts';
import { reasonOf } from '@flash-sale/shared/reason-of.ts';

const maxCalls = 512;
const maxWaiting = 10_000;

/**
 * Limits what a failing gateway can cost: a timeout for each call, one retry after a plain failure, a limit on concurrent calls,
 * and a circuit breaker. A call that timed out has an unknown outcome and is not retried here: its event is delivered again, and
 * the gateway recognises the payment by its id.
 */
export function guarded(gateway: Gateway, timeoutMs: number): Gateway {
  const policy = wrap(
    circuitBreaker(handleAll, {
      halfOpenAfter: 2_000,
      breaker: new SamplingBreaker({ threshold: 0.6, duration: 10_000, minimumRps: 5 }),
    }),
    retry(
      handleWhen((error) => !(error instanceof TaskCancelledError)),
      { maxAttempts: 1, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 500 }) },
    ),
    bulkhead(maxCalls, maxWaiting),
    timeout(timeoutMs, TimeoutStrategy.Aggressive),
  );
  /** @throws AppError unavailable: whatever failed, the event may succeed when it is delivered again */
  const ask = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await policy.execute(call);
    } catch (cause) {
      const reason = reasonOf(cause);
      throw new AppError('unavailable', `The outcome at the payment gateway is not known yet: ${reason}`, { cause });
    }
  };
  return {
    capture: (charge) => traced('gateway: capture', () => ask(() => gateway.capture(charge)), { kind: 'client' }),
    refund: (paymentId) => {
      // Money that goes back is worth a look, whether or not its trace was chosen.
      running.getStore()?.want();
      return traced('gateway: refund', () => ask(() => gateway.refund(paymentId)), { kind: 'client' });
    },
  };
}
