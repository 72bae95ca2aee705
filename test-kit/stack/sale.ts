import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionLost, type Answer } from '../http.ts';
import { until } from '../until.ts';
import type { Cart, Line, Payment, Product, Shop, Shopper } from './shop.ts';
import { reasonOf } from '@flash-sale/shared/reason-of.ts';

const insistForMs = 120_000;
const waitSeconds = 10;
/** Statuses after which a client retries. */
const passing = [429, 502, 503, 504];

/**
 * Shoppers who keep buying. After a failure they retry with the same key, as a correct client does, and they record every answer
 * that promised something.
 */
export class Sale {
  /** Reservations that were answered 201 or 202, and the payments that were answered 201, 202 or 402. */
  readonly reservations = new Set<string>();
  readonly payments = new Set<string>();
  /** Orders whose payment was answered 201. */
  readonly paidOrders = new Set<string>();
  /** Answers that are wrong under any circumstances. */
  readonly surprises: string[] = [];
  /** Of each request that had to be retried what it was and what was wrong. */
  readonly repeats: string[] = [];
  #journeys = 0;
  #isOver = false;
  readonly #pauseMs: number;
  readonly #isPassing: (answer: Answer<unknown>) => boolean;
  readonly #shop: Shop;
  readonly #products: Product[];
  #shoppers: Promise<void>[] = [];

  /**
   * @param options `pauseMs` between two purchases of a shopper; `isPassing`: of an answer that would be wrong, whether it is one
   *   after which a client may retry all the same
   */
  constructor(
    shop: Shop,
    products: Product[],
    options: { pauseMs?: number; isPassing?: (answer: Answer<unknown>) => boolean } = {},
  ) {
    this.#pauseMs = options.pauseMs ?? 50;
    this.#isPassing = options.isPassing ?? (() => false);
    this.#shop = shop;
    this.#products = products;
  }

  open(shoppers: number): void {
    this.#shoppers = Array.from({ length: shoppers }, (_, n) => this.#shopAgainAndAgain(n + 1));
  }

  /** Lets all shoppers finish what they have begun. */
  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#shoppers);
  }

  /** Resolves when so many more checkouts are complete. */
  async goesOn(checkouts = 20, withinMs = 120_000): Promise<void> {
    const goal = this.#journeys + checkouts;
    await until(`${checkouts} more checkouts`, () => this.#journeys >= goal, withinMs);
  }

  get checkouts(): number {
    return this.#journeys;
  }

  async #shopAgainAndAgain(n: number): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      try {
        await this.#checkout(n, turn);
        this.#journeys += 1;
      } catch (error) {
        this.surprises.push(reasonOf(error));
      }
      await sleep(this.#pauseMs);
    }
  }

  async #checkout(n: number, turn: number): Promise<void> {
    const session = await this.#insist('log in', [201], () => this.#shop.logIn(`shopper${n}@example.com`));
    const shopper = this.#shop.shopperOf(session.body);
    const cart = await this.#fillCart(shopper, this.#choose(n, turn));

    const key = randomUUID();
    const reserve = () => shopper.reserve(cart.id, { key, wait: waitSeconds });
    const reserved = await this.#insist('reserve', [201, 202, 409], reserve);
    if (reserved.status === 409) return this.#expectCode(reserved, 'sold-out');
    const { id, orderId } = reserved.body;
    this.reservations.add(id);

    if (turn % 7 === 3) {
      await this.#insist('cancel', [200, 202], () => shopper.cancel(id));
      return;
    }
    if (turn % 5 === 2) await this.#pay(shopper, orderId, 'tok_declined');
    const paid = await this.#pay(shopper, orderId, turn % 11 === 4 ? 'tok_error_once' : 'tok_ok');
    if (paid?.status === 201) this.paidOrders.add(orderId);
    if (turn % 3 === 1) {
      const again = await this.#insist('reserve once more', [201, 202, 409], reserve);
      const sameAnswer = again.status === 409 || again.body.id === id;
      if (!sameAnswer) this.surprises.push(`one key made two reservations: ${id} and ${again.text}`);
    }
  }

  async #pay(shopper: Shopper, orderId: string, token: string): Promise<Answer<Payment> | undefined> {
    const key = randomUUID();
    const pay = () => shopper.pay(orderId, token, { key, wait: waitSeconds });
    const paid = await this.#insist('pay', [201, 202, 402, 409], pay);
    // The pending reservation was rejected, or another attempt of ours is still under way.
    if (paid.status === 409) this.#expectCode(paid, 'order-not-payable', 'already-paid');
    else if (paid.status !== 402) this.payments.add(paid.body.id);
    return paid;
  }

  /** Adding an item is not idempotent: if its outcome is unknown, a new cart is taken. */
  async #fillCart(shopper: Shopper, lines: Line[]): Promise<Cart> {
    return (
      await this.#insist('fill a cart', [200], async () => {
        let answer: Answer<Cart> = await shopper.call<Cart>('POST', '/api/carts', { body: {} });
        if (answer.status !== 201) return answer;
        const { id } = answer.body;
        for (const line of lines) {
          answer = await shopper.addItem(id, line);
          if (answer.status !== 200) break;
        }
        return answer;
      })
    ).body;
  }

  #choose(n: number, turn: number): Line[] {
    const count = this.#products.length;
    const first = this.#products[(n + turn) % count]!;
    const second = this.#products[(n * 3 + turn * 5 + 1) % count]!;
    const lines = [{ productId: first.id, quantity: 1 + (turn % 2) }];
    return turn % 2 === 0 || second === first ? lines : [...lines, { productId: second.id, quantity: 1 }];
  }

  /** Retries a request until it succeeds. @throws on an answer that is wrong, or when it takes too long */
  async #insist<Body>(what: string, right: number[], request: () => Promise<Answer<Body>>): Promise<Answer<Body>> {
    const deadline = Date.now() + insistForMs;
    for (;;) {
      let trouble: string;
      try {
        const answer = await request();
        if (right.includes(answer.status)) return answer;
        trouble = `${what}: ${answer.status} ${answer.text.slice(0, 300)}`;
        if (!passing.includes(answer.status) && !this.#isPassing(answer)) throw new Surprise(trouble);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        trouble = `${what}: ${error.message}`;
      }
      if (Date.now() > deadline) throw new Surprise(`for ${insistForMs / 1_000} s, ${trouble}`);
      this.repeats.push(trouble);
      await sleep(100 + Math.random() * 200);
    }
  }

  #expectCode(answer: Answer<unknown>, ...codes: string[]): void {
    const { type } = answer.body as { type: string };
    if (!codes.includes(type.replace('/problems/', ''))) throw new Surprise(`${answer.status} ${answer.text}`);
  }
}

class Surprise extends Error {}
