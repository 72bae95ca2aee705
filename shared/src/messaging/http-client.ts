import {
  bulkhead,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  handleWhen,
  retry,
  wrap,
} from 'cockatiel';
import { errors, Pool } from 'undici';

export interface InternalClientOptions {
  baseUrl: string;
  token: string;
  timeoutMs: number;
  connections?: number;
}

const attempts = 2;
const breakAfterFailures = 5;
const halfOpenAfterMs = 1_000;

/** Posts JSON to other services through the internal listener, within bounds: connections, time, tries, and a breaker each. */
export class InternalClient {
  readonly #pool: Pool;
  readonly #headers: Record<string, string>;
  readonly #policies = new Map<string, ReturnType<typeof policy>>();

  constructor(options: InternalClientOptions) {
    this.#pool = new Pool(options.baseUrl, {
      connections: options.connections ?? 32,
      pipelining: 1,
      keepAliveTimeout: 50_000,
      // The deadline of a call. An abort signal would cost an exception object for each call that ends well.
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
      connect: { timeout: 1_000 },
    });
    this.#headers = { authorization: `Bearer ${options.token}`, 'content-type': 'application/json' };
  }

  /** @throws when the service cannot be reached, is too slow, or answers with an error; the work may have been done */
  async post(service: string, path: string, body: unknown): Promise<unknown> {
    const payload = JSON.stringify(body);
    return this.#policyOf(service).execute(async () => {
      const response = await this.#pool.request({
        method: 'POST',
        path: `/internal/${service}${path}`,
        headers: this.#headers,
        body: payload,
      });
      if (response.statusCode >= 300) {
        await response.body.dump();
        throw new Error(`${service} answered ${response.statusCode}`);
      }
      return response.statusCode === 204 ? void (await response.body.dump()) : response.body.json();
    });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #policyOf(service: string) {
    let known = this.#policies.get(service);
    if (!known) this.#policies.set(service, (known = policy()));
    return known;
  }
}

function policy() {
  return wrap(
    circuitBreaker(handleAll, { halfOpenAfter: halfOpenAfterMs, breaker: new ConsecutiveBreaker(breakAfterFailures) }),
    retry(
      // A call that ran out of time is not repeated: its deadline is spent, and the outbox comes again.
      handleWhen((error) => !isTimeout(error)),
      { maxAttempts: attempts - 1, backoff: new ExponentialBackoff({ initialDelay: 20, maxDelay: 200 }) },
    ),
    bulkhead(8, 64),
  );
}

const isTimeout = (error: unknown): boolean =>
  error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
