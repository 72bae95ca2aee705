import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningStack } from '../../infra/launcher/running-stack.ts';
import { accepts } from '../../infra/launcher/free-port.ts';
import { servicesIn, type StackProcess } from '../../infra/launcher/stack-types.ts';
import type { Fault } from './faults.ts';
import { Client, insist, type Answer } from './shopper.ts';

/** Times in ms from the fault on; undefined for what did not happen while we watched. */
export interface Healing {
  title: string;
  /** All victims answer again, be it that they were replaced or that they were thawed. */
  readyMs: number | undefined;
  /** The shopper who was in the middle has the outcome, repeating with the same key if need be. */
  answerMs: number;
  answer: number;
  /** Somebody who comes after the fault has bought something. */
  purchaseMs: number;
  /** Longest wait of somebody who only looks at the catalogue or at the health. */
  longestLookMs: number;
  looks: number;
  refusedLooks: number;
  /** Requests of a purchase that were refused with 5xx, or lost. */
  refusedSteps: number;
}

/** What is frozen and nobody replaces is thawed after so long. */
const thawAfterMs = 45_000;
const lookEveryMs = 200;
const onItsWayMs = 4;
const settleMs = 1_500;

/** Breaks one stack again and again. It must have demo data, and be of no worth. */
export class Breaker {
  readonly #stackFile: string;
  readonly #client: Client;
  #productId = '';
  #nextShopper = 1;
  #known: RunningStack | undefined;

  constructor(stackFile: string) {
    this.#stackFile = stackFile;
    this.#client = new Client(this.#stack().url);
  }

  async prepare(): Promise<void> {
    const admin = await this.#client.logIn('admin@example.com');
    const about = { name: 'Healing', priceCents: 100, currency: 'EUR', stock: 100_000 };
    const unlisted = await admin.call('POST', '/api/products', { ...about, listed: false });
    // A release that does not know `listed` refuses it.
    const { status, body } = unlisted.status === 422 ? await admin.call('POST', '/api/products', about) : unlisted;
    if (status !== 201) throw new Error(`no product could be made: ${status}`);
    this.#productId = body['id'] as string;
  }

  async measure(fault: Fault): Promise<Healing> {
    const [inTheMiddle, afterwards] = [await this.#aShopper(), await this.#aShopper()];
    const step = await this.#firstStep(inTheMiddle, fault);
    const waiting = await Promise.all(Array.from({ length: fault.waiting }, () => this.#aWaitingShopper()));
    const pids = new Map(this.#stack().processes.map(({ name, pid }) => [name, pid]));
    let refusedSteps = 0;
    const refused = ({ status }: Answer) => void (status === 0 || status >= 500 ? (refusedSteps += 1) : 0);

    waiting.forEach((wait) => void wait());
    if (waiting.length > 0) await sleep(300);
    const answering = timed(() => insist(step, isOutcome, refused));
    await sleep(onItsWayMs);
    const startedAt = performance.now();
    for (const name of fault.victims) process.kill(pids.get(name)!, fault.signal);
    const watch = this.#look();
    const [ready, answer, purchase] = await Promise.all([
      this.#untilReady(fault, pids, startedAt),
      answering,
      timed(() => this.#purchase(afterwards, refused)),
    ]);
    const looks = await watch();
    await sleep(settleMs);
    return {
      title: fault.title,
      readyMs: ready,
      answerMs: answer.endedAt - startedAt,
      answer: answer.result.status,
      purchaseMs: purchase.endedAt - startedAt,
      ...looks,
      refusedSteps,
    };
  }

  /** As of now. A launcher of before wrote its file in place: what is half written is what it was. */
  #stack(): RunningStack {
    try {
      this.#known = JSON.parse(readFileSync(this.#stackFile, 'utf8')) as RunningStack;
    } catch (error) {
      if (!this.#known) throw error;
    }
    return this.#known;
  }

  #aShopper(): Promise<Client> {
    return this.#client.logIn(`shopper${this.#nextShopper++}@example.com`);
  }

  /** The request that will be under way, with everything before it done. */
  async #firstStep(shopper: Client, { moment }: Fault): Promise<() => Promise<Answer>> {
    const key = crypto.randomUUID();
    const cart = await shopper.cart(this.#productId);
    if (moment === 'reserve') return () => shopper.reserve(cart, key);
    const { body } = await shopper.reserve(cart);
    return () => shopper.pay(body['orderId'] as string, 'tok_ok', key);
  }

  async #aWaitingShopper(): Promise<() => Promise<Answer>> {
    const shopper = await this.#aShopper();
    const { body } = await shopper.reserve(await shopper.cart(this.#productId));
    return () => shopper.pay(body['orderId'] as string, 'tok_slow');
  }

  async #purchase(shopper: Client, refused: (answer: Answer) => void): Promise<Answer> {
    const made = await insist(() => shopper.call('POST', '/api/carts', {}), isOutcome, refused);
    const cart = made.body['id'] as string;
    const line = { productId: this.#productId, quantity: 1 };
    await insist(() => shopper.call('POST', `/api/carts/${cart}/items`, line), isOutcome, refused);
    const keys = [crypto.randomUUID(), crypto.randomUUID()] as const;
    const { body } = await insist(() => shopper.reserve(cart, keys[0]), isOutcome, refused);
    return insist(() => shopper.pay(body['orderId'] as string, 'tok_ok', keys[1]), isOutcome, refused);
  }

  async #untilReady(
    fault: Fault,
    before: Map<string, number | undefined>,
    startedAt: number,
  ): Promise<number | undefined> {
    const isFrozen = fault.signal === 'SIGSTOP';
    for (;;) {
      const victims = this.#stack().processes.filter(({ name }) => fault.victims.includes(name));
      const replaced = victims.every(({ name, pid }) => pid !== undefined && pid !== before.get(name));
      if (replaced && (await all(victims.map(isBack)))) return performance.now() - startedAt;
      if (isFrozen && performance.now() - startedAt > thawAfterMs) {
        for (const { pid } of victims) if (pid !== undefined) process.kill(pid, 'SIGCONT');
        return undefined;
      }
      await sleep(25);
    }
  }

  /** Looks at the catalogue and the health all the time, one look not waiting for the other. @returns how to end it */
  #look() {
    const looks: Promise<{ ms: number; status: number }>[] = [];
    const paths = ['/api/products', '/healthz'];
    const look = async (path: string) => {
      const { startedAt, endedAt, result } = await timed(() => this.#client.call('GET', path));
      return { ms: endedAt - startedAt, status: result.status };
    };
    const timer = setInterval(() => paths.forEach((path) => looks.push(look(path))), lookEveryMs);
    return async () => {
      clearInterval(timer);
      const all = await Promise.all(looks);
      return {
        longestLookMs: Math.max(0, ...all.map(({ ms }) => ms)),
        looks: all.length,
        refusedLooks: all.filter(({ status }) => status !== 200).length,
      };
    };
  }
}

/** 202 is none: the shopper goes on asking. */
const isOutcome = ({ status }: Answer) => status !== 0 && status !== 202 && status < 500 && status !== 429;

const all = async (promises: Promise<boolean>[]) => (await Promise.all(promises)).every(Boolean);

const isBack = (one: StackProcess): Promise<boolean> => {
  const services = servicesIn(one);
  return services.length > 0 ? all(services.map(({ port }) => answers(port))) : accepts(one.port);
};

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1_000) }).then(
    (response) => response.ok,
    () => false,
  );

async function timed<Result>(action: () => Promise<Result>) {
  const startedAt = performance.now();
  const result = await action();
  return { result, startedAt, endedAt: performance.now() };
}
