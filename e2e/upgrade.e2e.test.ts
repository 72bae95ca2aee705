import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { needsRabbitmq, stackNames, stacks } from '@flash-sale/shared/stacks.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { countDeadLetters } from '../infra/dlq/broker.ts';
import { forDeadLetters } from '../infra/dlq/dead-letters.ts';
import { startStack } from '../infra/launcher/stack.ts';
import type { Stack } from '../infra/launcher/stack-types.ts';
import { restoreBroker, type SavedBroker } from '../infra/testing/release/broker.ts';
import {
  readFixture,
  releases,
  settingsForIds,
  stacksOf,
  type Clients,
  type Promised,
} from '../infra/testing/release/fixture.ts';
import { namesInLogs, namesOfRunning, namesOfRelease } from '../infra/testing/release/names.ts';
import { restoreRelease, type RestoredRelease } from '../infra/testing/release/restore.ts';
import { narrowedIn, readSchemas } from '../infra/testing/release/schema.ts';
import { temporaryFolder } from '../infra/testing/temporary-folder.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { expectProblem } from '../test-kit/stack/expectations.ts';
import { bodyOf } from '../test-kit/http.ts';
import { until } from '../test-kit/until.ts';
import { Shop, Shopper, type ProductPage, type Session } from '../test-kit/stack/shop.ts';

/*
 * This tree on what an earlier release has left behind (e2e/fixtures): nobody may notice that there is a new one, but by
 * what it can do more.
 */

const startWithinMs = 240_000;
const demoShoppers = 4;
const comesToItsEndWithinMs = 120_000;
jest.setTimeout(startWithinMs);

/** Every stack in every layout; one that a release did not have, on the data of the one that is most like it. */
const cases = releases.flatMap((release) =>
  stackNames.flatMap((stack) => {
    const had = stacksOf(release);
    const kind = had.includes(stack) ? stack : had.find((name) => needsRabbitmq(name) === needsRabbitmq(stack))!;
    return stacks[stack].layouts.map((layout) => [stack, layout, kind, release] as const);
  }),
);

describe.each(cases)('the %s stack, %s, on the data of the %s stack of %s', (stackName, layout, kind, release) => {
  let dataDir: string;
  let restored: RestoredRelease;
  let clients: Clients;
  let stack: Stack;
  let shop: Shop;

  beforeAll(async () => {
    dataDir = await temporaryFolder('upgrade');
    restored = await restoreRelease(release, kind, dataDir);
    ({ clients } = restored);
    // Whoever waited for an order has waited since then, and this machine may be slow.
    const env = { LOG_LEVEL: 'debug', ORDER_WAIT_MS: '3600000', ...settingsForIds };
    // As `npm start` does it: a start without the demo locks its accounts, by which the release is asked.
    stack = await startStack({
      stack: stackName,
      layout,
      dataDir,
      env,
      demo: { shoppers: demoShoppers },
      metrics: true,
      // On in one layout, off in the other.
      traces: layout === 'shared',
    });
    shop = new Shop(stack);
  }, startWithinMs);
  afterAll(async () => {
    await stack?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const shopper = (name: string) => new Shopper(shop, clients.shoppers[name]!.accessToken);
  /** By the token that the release gave. */
  const read = (path: string, { of, id }: Pick<Promised, 'of' | 'id'>) =>
    shopper(of).call<Record<string, unknown>>('GET', `${path}/${id}`);
  const kinds = ['reservations', 'orders', 'payments'] as const;

  test('migrations only add, so that processes of the release may go on beside it', async () => {
    const auditors = Object.entries(stack.databaseUrls).map(([name, auditor]) => [name, { auditor }]);
    const now = await readSchemas(Object.fromEntries(auditors) as Parameters<typeof readSchemas>[0]);
    for (const [database, before] of Object.entries(restored.schemas)) {
      expect(Object.keys(before.columns).length).toBeGreaterThan(0);
      const narrowed = narrowedIn(before, now[database as keyof typeof now]);
      expect({ database, narrowed }).toEqual({ database, narrowed: [] });
    }
  });

  test('old passwords and access tokens are good', async () => {
    for (const { email, password, accessToken: token } of Object.values(clients.shoppers)) {
      const me = await shop.call<{ email: string; role: string }>('GET', '/api/users/me', { token });
      expect(bodyOf(me, 200)).toMatchObject({ email, role: email.startsWith('admin') ? 'admin' : 'shopper' });
      bodyOf(await shop.logIn(email, password), 201);
    }
    const wrong = await shop.logIn(clients.shoppers['newcomer']!.email, 'not the password');
    expectProblem(wrong, 401, 'wrong-credentials');
  });

  test('sessions go on, and what had ended has ended', async () => {
    const refresh = (refreshToken: string) =>
      shop.call<Session>('POST', '/api/sessions/refresh', { body: { refreshToken } });
    const { live, used, ofEndedFamily } = clients.refreshTokens;
    const next: Session[] = [];
    for (const token of live) next.push(bodyOf(await refresh(token), 201));
    for (const { accessToken: token } of next) bodyOf(await shop.call('GET', '/api/users/me', { token }), 200);
    expectProblem(await refresh(ofEndedFamily), 401, 'refresh-token-invalid');
    // A used token of the release ends its family, which is the first one, and no other.
    expectProblem(await refresh(used), 401, 'refresh-token-invalid');
    expectProblem(await refresh(next[0]!.refreshToken), 401, 'refresh-token-invalid');
    bodyOf(await refresh(next[1]!.refreshToken), 201);
  });

  test('the shop window has what it had', async () => {
    const { items } = bodyOf(await shop.call<ProductPage>('GET', '/api/products?limit=100'), 200);
    expect(items).toMatchObject(clients.products.map(({ available: _, ...product }) => product));
  });

  test('pages are read on from where their readers were', async () => {
    const { products, orders } = clients.cursors;
    const idsAt = async (path: string, of?: string) => {
      const token = of && clients.shoppers[of]!.accessToken;
      const { items } = bodyOf(await shop.call<{ items: { id: string }[] }>('GET', path, { token }), 200);
      return items.map(({ id }) => id);
    };
    expect(await idsAt(products.path)).toEqual(products.rest);
    expect(await idsAt(orders.path, orders.of)).toEqual(orders.rest);
  });

  test('what was settled is as it was', async () => {
    for (const cart of clients.carts) expect(bodyOf(await read('/api/carts', cart), 200)).toMatchObject(cart.body);
    for (const name of kinds) {
      const settled = clients[name].filter(({ body }) => 'status' in body);
      expect(settled.length).toBeGreaterThan(0);
      for (const one of settled) expect(bodyOf(await read(`/api/${name}`, one), 200)).toMatchObject(one.body);
    }
  });

  test('what was under way comes to its end', async () => {
    for (const name of kinds) {
      const open = clients[name].filter(({ body, waitsFor }) => !('status' in body) && !waitsFor);
      expect(open.length).toBeGreaterThan(0);
      for (const one of open) await untilEnded(name, one);
    }
  });

  async function untilEnded(name: (typeof kinds)[number], one: Promised): Promise<void> {
    let seen: unknown;
    const ended = async () => {
      const answer = await read(`/api/${name}`, one);
      seen = answer.body;
      // An order of an id that is so old is not announced any more: it is not there, until it is.
      return answer.status === 200 && answer.body['status'] === one.becomes;
    };
    await until(`${name} ${one.id} is ${one.becomes}`, ended, comesToItsEndWithinMs).catch((error: Error) => {
      throw new Error(`${error.message}, but ${JSON.stringify(seen)}`, { cause: error });
    });
  }

  if (needsRabbitmq(kind))
    test('a service of the release still comes to the broker by the one password, and declares what it knows', async () => {
      const { topology } = JSON.parse(readFixture(release, kind).read('broker.json')) as SavedBroker;
      await restoreBroker(stack.amqpAdminUrl!, { topology, messages: [] });
      expect(new URL(stack.amqpAdminUrl!).password).toBe(readFixture(release, kind).secrets.rabbitmqPassword);
    });

  if (needsRabbitmq(kind))
    describe('dead letters', () => {
      const dead = async () => (await countDeadLetters(stack.amqpUrl!)).reduce((sum, [, count]) => sum + count, 0);

      test('are listed, and replayed: what can be handled by now is', async () => {
        const { letters } = await forDeadLetters(stack.amqpUrl!, {}, 'keep');
        expect(letters.map(({ service, reason }) => ({ service, reason }))).toEqual(
          expect.arrayContaining([
            { service: 'order', reason: expect.stringMatching(/not readable/) },
            { service: 'order', reason: expect.stringMatching(/mistake/) },
          ]),
        );
        const waiting = kinds.flatMap((name) => clients[name].flatMap((one) => (one.waitsFor ? [{ name, one }] : [])));
        expect(waiting.length).toBeGreaterThan(0);
        // It could not be stored then, and can be now; but it is of no reservation of this shop.
        const { id } = letters.find(({ reason }) => /Unicode/.test(reason))!;
        await forDeadLetters(stack.amqpUrl!, { id }, 'drop');
        expect(await forDeadLetters(stack.amqpUrl!, {}, 'replay')).toMatchObject({ refused: 0, unread: [] });
        for (const { name, one } of waiting) await untilEnded(name, one);
      });

      test('come back if they cannot, and are dropped', async () => {
        await eventually(async () => expect(await dead()).toBe(1));
        expect((await forDeadLetters(stack.amqpUrl!, {}, 'drop')).letters).toHaveLength(1);
        expect(await dead()).toBe(0);
      });
    });

  test('the same key is the same request', async () => {
    for (const { of, path, key, body, made } of clients.keys) {
      const answer = await shopper(of).call<{ id: string }>('POST', path, { key, body, wait: 20 });
      expect({ path, status: answer.status, id: answer.body.id }).toEqual({ path, status: 201, id: made });
    }
  });

  test('the books balance', () => expectAuditClean(stack));

  test('it sells, old products and new ones, to old shoppers and new ones', async () => {
    const email = 'later@example.com';
    bodyOf(await shop.call('POST', '/api/users', { body: { email, password: 'a long password' } }), 201);
    const later = shop.shopperOf(bodyOf(await shop.logIn(email, 'a long password'), 201));
    const token = clients.shoppers['admin']!.accessToken;
    const body = { name: 'New', priceCents: 100, currency: 'EUR', stock: 10 };
    const made = bodyOf(await shop.call<{ id: string }>('POST', '/api/products', { token, body }), 201);
    bodyOf(await shop.call('PATCH', `/api/products/${made.id}`, { token, body: { priceCents: 90 } }), 200);
    bodyOf(await shop.call('POST', `/api/products/${made.id}/restock`, { token, body: { quantity: 5 } }), 200);
    const lamp = clients.products.find(({ name }) => name === 'Lamp')!;
    for (const buyer of [later, shopper('shopper3')]) {
      for (const id of [made.id, lamp['id'] as string]) {
        const { reservation } = await buyer.aPurchase(await shop.product(id));
        expect((await buyer.order(reservation.orderId)).status).toBe('confirmed');
      }
    }
    await expectAuditClean(stack);
  });

  test('no service misses a right in Redis or RabbitMQ that the one password gave it', async () => {
    const logs = (await readdir(join(dataDir, 'logs'))).filter((name) => /-\d+\.log$/.test(name));
    expect(logs.length).toBeGreaterThan(0);
    const texts = await Promise.all(logs.map((name) => readFile(join(dataDir, 'logs', name), 'utf8')));
    expect(texts.flatMap((text) => text.split('\n')).filter((line) => /NOPERM|ACCESS.REFUSED/.test(line))).toEqual([]);
  });

  describe('names that others use go on working:', () => {
    const names = namesOfRelease(release);

    test('metrics, measurements and the keys of run/stack.json', async () => {
      const { metrics, measurements, stackFile } = names.running[kind]!;
      await eventually(async () => {
        const now = await namesOfRunning(stack);
        expect(now.metrics).toEqual(expect.arrayContaining(metrics));
        expect(now.stackFile).toEqual(expect.arrayContaining(stackFile));
        // Where there is no InfluxDB, the shop runs without.
        if (stack.influxUrl === undefined) return;
        for (const [name, fields] of Object.entries(measurements))
          expect({ name, fields: now.measurements[name] }).toEqual({ name, fields: expect.arrayContaining(fields) });
      });
    });

    test('the fields of the logs', async () => {
      await eventually(() => {
        const now = namesInLogs(stack.dataDir);
        for (const [line, fields] of Object.entries(names.log[kind]!))
          expect({ line, fields: now[line] }).toEqual({ line, fields: expect.arrayContaining(fields) });
      });
    });
  });
});
