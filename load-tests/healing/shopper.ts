import { randomUUID } from 'node:crypto';

const answerWithinMs = 60_000;

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/**
 * A client of the public API that holds answers against nothing: it must also understand older releases, and what comes
 * from a shop that is broken.
 */
export class Client {
  readonly #url: string;
  readonly #token: string | undefined;

  constructor(url: string, token?: string) {
    this.#url = url;
    this.#token = token;
  }

  /** Status 0 stands for a connection that broke. */
  async call(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<Answer> {
    try {
      const response = await fetch(this.#url + path, {
        method,
        signal: AbortSignal.timeout(answerWithinMs),
        headers: {
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...more,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') ?? false;
      return { status: response.status, body: isJson ? (JSON.parse(text) as Answer['body']) : {} };
    } catch {
      return { status: 0, body: {} };
    }
  }

  /** Waits for a shop that is still healing from the fault before. @throws when it is refused */
  async logIn(email: string, password = 'flash-sale-demo'): Promise<Client> {
    const logIn = () => this.call('POST', '/api/sessions', { email, password });
    const { status, body } = await insist(logIn, ({ status }) => status !== 0 && status < 500);
    if (status !== 201) throw new Error(`${email} cannot log in: ${status}. Is it a stack with demo data?`);
    return new Client(this.#url, body['accessToken'] as string);
  }

  /** A cart with one unit in it. @throws when it cannot be had */
  async cart(productId: string): Promise<string> {
    const made = await this.call('POST', '/api/carts', {});
    const cart = made.body['id'] as string;
    const added = await this.call('POST', `/api/carts/${cart}/items`, { productId, quantity: 1 });
    if (added.status !== 200) throw new Error(`no cart: ${made.status}, ${added.status}`);
    return cart;
  }

  reserve(cartId: string, key: string = randomUUID()): Promise<Answer> {
    return this.call('POST', '/api/reservations', { cartId }, { 'idempotency-key': key, prefer: 'wait=30' });
  }

  pay(orderId: string, token = 'tok_ok', key: string = randomUUID()): Promise<Answer> {
    const body = { orderId, method: { token } };
    return this.call('POST', '/api/payments', body, { 'idempotency-key': key, prefer: 'wait=30' });
  }
}

/** Tries again, as a client that means it does: with the same key, until the answer is of this kind. */
export async function insist(
  request: () => Promise<Answer>,
  isDone: (answer: Answer) => boolean,
  onRefusal: (answer: Answer) => void = () => {},
): Promise<Answer> {
  const until = performance.now() + answerWithinMs;
  for (;;) {
    const answer = await request();
    if (isDone(answer) || performance.now() > until) return answer;
    onRefusal(answer);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
