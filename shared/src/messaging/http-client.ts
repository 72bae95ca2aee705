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
import { running, traced } from '../tracing/running.ts';
import { traceparentOf } from '../tracing/trace-context.ts';
import { BadAnswer } from './transport.ts';

export interface InternalClientOptions {
  baseUrl: string;
  token: string;
  timeoutMs: number;
  connections?: number;
  /** How long a service that keeps failing is left alone; 300 unless given. */
  halfOpenAfterMs?: number;
}

const attempts = 2;
const breakAfterFailures = 5;
/** Short, for a service that is started again is there within a second or two, and somebody waits for it. */
const usualHalfOpenAfterMs = 300;

/** Of nginx, when it reaches no instance, and of a service that is not ready for more. */
const notNowStatuses = new Set([429, 502, 503, 504]);

/** Asks other services by JSON, through the internal listener, within bounds: connections, time, tries, and a breaker each. */
export class InternalClient {
  readonly #pool: Pool;
  readonly #headers: Record<string, string>;
  readonly #policies = new Map<string, ReturnType<typeof policy>>();
  readonly #halfOpenAfterMs: number;

  constructor(options: InternalClientOptions) {
    this.#halfOpenAfterMs = options.halfOpenAfterMs ?? usualHalfOpenAfterMs;
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

  /**
   * @throws BadAnswer when the service answers with an error of its own; anything else when it cannot be reached, or is
   * too slow. The work may have been done
   */
  post(service: string, path: string, body: unknown): Promise<unknown> {
    return this.#ask(service, path, { method: 'POST', body: JSON.stringify(body) });
  }

  /** @throws as `post` */
  get(service: string, path: string): Promise<unknown> {
    return this.#ask(service, path, { method: 'GET' });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** On behalf of a request, another service is told of whose. */
  #ask(service: string, path: string, request: { method: 'GET' | 'POST'; body?: string }): Promise<unknown> {
    const root = running.getStore();
    if (!root) return this.#send(service, path, request, this.#headers);
    const headers = { ...this.#headers, traceparent: traceparentOf(root.span.context) };
    return traced(`ask ${service}`, () => this.#send(service, path, request, headers), { kind: 'client' });
  }

  #send(
    service: string,
    path: string,
    request: { method: 'GET' | 'POST'; body?: string },
    headers: Record<string, string>,
  ): Promise<unknown> {
    return this.#policyOf(`${service}${path.split('?', 1)[0]}`).execute(async () => {
      const options = { ...request, path: `/internal/${service}${path}`, headers };
      const response = await this.#pool.request(options);
      if (response.statusCode >= 300) {
        await response.body.dump();
        const reason = `${service} answered ${response.statusCode}`;
        const { statusCode: status } = response;
        throw notNowStatuses.has(status) ? new Error(reason) : new BadAnswer(reason, { status });
      }
      if (response.statusCode === 204) return void (await response.body.dump());
      const text = await response.body.text();
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        throw new BadAnswer(`${service} did not answer with JSON`, { cause });
      }
    });
  }

  /** One for each address: what fails at one of them must not keep anybody from another. */
  #policyOf(address: string) {
    let known = this.#policies.get(address);
    if (!known) this.#policies.set(address, (known = policy(this.#halfOpenAfterMs)));
    return known;
  }
}

function policy(halfOpenAfterMs: number) {
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
