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
import type { Gateway } from '../gateway.ts';

const maxCalls = 512;
const maxWaiting = 10_000;

/**
 * Bounds what a gateway's trouble can cost: a deadline a try, one more try for a plain failure, a limit of calls under
 * way, and a pause when most calls fail. A call that ran out of time has an unknown outcome and is not tried again here:
 * its event comes again, and the gateway knows the payment by its id.
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
  /** @throws AppError unavailable: whatever went wrong, the same event may succeed when it comes again */
  const ask = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await policy.execute(call);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AppError('unavailable', `The outcome at the payment gateway is not known yet: ${reason}`, { cause });
    }
  };
  return {
    capture: (charge) => ask(() => gateway.capture(charge)),
    refund: (paymentId) => ask(() => gateway.refund(paymentId)),
  };
}
