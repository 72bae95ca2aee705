import { randomUUID } from 'node:crypto';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { deadLettersExchange } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { stockKey } from '@flash-sale/shared/redis/stock-view.ts';
import { needsRabbitmq } from '@flash-sale/shared/stacks.ts';
import { runAudit, type AuditReport } from '../infra/audit/audit.ts';
import { forDeadLetters } from '../infra/dlq/dead-letters.ts';
import type { DatabaseName } from '../infra/launcher/database-names.ts';
import type { Stack } from '../infra/launcher/stack-types.ts';
import { ask, expectAuditClean } from '../test-kit/stack/audit.ts';
import type { Shop } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';
import { asSuperuser, withRowChanged } from '../test-kit/stack/tampering.ts';

jest.setTimeout(120_000);

/** What a small sale has left in the books: one of each way that a checkout can end, as far as the checks need it. */
interface Books {
  product: string;
  /** Bought, paid and confirmed. */
  bought: { reservation: string; order: string; payment: string; user: string };
  held: { reservation: string; order: string };
  declined: string;
  rejected: string;
}

async function aSale(shop: Shop): Promise<Books> {
  const product = await shop.aProduct({ stock: 10, limitPerUser: 2 });
  const [ann, bob, cat] = [await shop.aShopper(), await shop.aShopper(), await shop.aShopper()];
  const bought = await ann.aPurchase(product, 2);
  const held = await bob.aReservation(product);
  const declined = await bob.pay(held.orderId, 'tok_declined');
  expect(declined.status).toBe(402);
  const tooMany = await cat.aCart({ productId: product.id, quantity: 3 });
  expect((await cat.reserve(tooMany.id)).status).toBe(409);
  await ann.order(bought.reservation.orderId);
  const one = async (database: 'reservation' | 'order' | 'payment', text: string, value: string) =>
    (await ask<{ id: string }>(shop.stack, database, text, [value]))[0]!.id;
  return {
    product: product.id,
    bought: {
      reservation: bought.reservation.id,
      order: bought.reservation.orderId,
      payment: bought.payment.id,
      user: await one('order', 'SELECT user_id AS id FROM orders WHERE id = $1', bought.reservation.orderId),
    },
    held: { reservation: held.id, order: held.orderId },
    declined: await one('payment', 'SELECT id FROM payments WHERE order_id = $1', held.orderId),
    rejected: await one('reservation', 'SELECT id FROM reservations WHERE cart_id = $1', tooMany.id),
  };
}

/** Breaks the books while the work lasts. @returns what the audit has to name */
type Break = (stack: Stack, books: Books, work: () => Promise<void>) => Promise<string>;

const row =
  (
    database: DatabaseName,
    table: string,
    column: string,
    of: (books: Books) => string,
    change: string | ((books: Books) => string),
  ): Break =>
  async (stack, books, work) => {
    const text = typeof change === 'string' ? change : change(books);
    await withRowChanged(stack, { database, table, key: [column, of(books)] }, text, work);
    return of(books);
  };
/** What the database itself refuses can be wrong only where it was told to accept it. */
const without =
  (database: DatabaseName, drop: string, add: string, broken: Break): Break =>
  async (stack, books, work) => {
    await asSuperuser(stack, database, drop);
    try {
      return await broken(stack, books, work);
    } finally {
      await asSuperuser(stack, database, add);
    }
  };
const inserted =
  (database: DatabaseName, table: string, column: string, values: (id: string, books: Books) => string): Break =>
  async (stack, books, work) => {
    const id = randomUUID();
    await asSuperuser(stack, database, `INSERT INTO ${table} VALUES (${values(id, books)})`);
    try {
      await work();
    } finally {
      await asSuperuser(stack, database, `DELETE FROM ${table} WHERE ${column} = '${id}'`);
    }
    return id;
  };
const anEntry = (id: string, { bought }: Books) => `'${id}', '${bought.order}', 2500, 'EUR', 'captured'`;
/** As the sweep leaves one that it has given up: due again in five minutes. */
const aRecord = (id: string) => `'${id}', '[]', now() + interval '5 minutes', 50`;

/** By the title of the check that must find it. */
const breaks: Record<string, Break> = {
  'no product is oversold: held + sold <= total': without(
    'inventory',
    'ALTER TABLE stock DROP CONSTRAINT never_oversold',
    'ALTER TABLE stock ADD CONSTRAINT never_oversold CHECK (held >= 0 AND sold >= 0 AND held + sold <= total)',
    row('inventory', 'stock', 'product_id', ({ product }) => product, 'total = 2'),
  ),
  'stock equals holds: held = live holds, sold = committed holds': row(
    'inventory',
    'stock',
    'product_id',
    ({ product }) => product,
    'sold = sold + 1',
  ),
  'no order is charged twice by the payment service': without(
    'payment',
    'DROP INDEX one_capture_per_order',
    "CREATE UNIQUE INDEX one_capture_per_order ON payments (order_id) WHERE status = 'captured'",
    row(
      'payment',
      'payments',
      'id',
      ({ declined }) => declined,
      ({ bought }) => `status = 'captured', order_id = '${bought.order}'`,
    ),
  ),
  'no order is charged twice by the gateway': inserted('gateway', 'ledger', 'payment_id', anEntry),
  'nobody holds or buys more than limitPerUser': row(
    'inventory',
    'buyer_units',
    'user_id',
    ({ bought }) => bought.user,
    'units = 1',
  ),
  'no event has been given up': inserted('order', 'outbox', 'id', aRecord),
  'no dead letter waits for somebody to look at it': async (stack, _books, work) => {
    await withChannel(stack.amqpAdminUrl!, async (channel) => {
      channel.publish(deadLettersExchange, 'payment', Buffer.from('what nobody could handle'), { persistent: true });
      await channel.waitForConfirms();
    });
    try {
      await work();
    } finally {
      await forDeadLetters(stack.amqpUrl!, {}, 'drop');
    }
    return 'payment: 1';
  },
  'every reservation is settled': row(
    'reservation',
    'reservations',
    'id',
    ({ rejected }) => rejected,
    "status = 'pending'",
  ),
  'every order is settled': row('order', 'orders', 'id', ({ bought }) => bought.order, "status = 'paid'"),
  'every payment is settled': row('payment', 'payments', 'id', ({ declined }) => declined, "status = 'pending'"),
  'units sold equal units in confirmed orders': async (stack, books, work) => {
    const more = row(
      'order',
      'orders',
      'id',
      ({ bought }) => bought.order,
      "items = jsonb_set(items, '{0,quantity}', '3')",
    );
    await more(stack, books, work);
    return books.product;
  },
  'each charge ends in a confirmed order of that amount, or a refund': row(
    'order',
    'orders',
    'id',
    ({ bought }) => bought.order,
    'total_cents = 1',
  ),
  'payments equal the ledger of the gateway, one to one': row(
    'gateway',
    'ledger',
    'payment_id',
    ({ bought }) => bought.payment,
    'amount_cents = 1',
  ),
  'each reservation matches its hold': row(
    'reservation',
    'reservations',
    'id',
    ({ held }) => held.reservation,
    "items = jsonb_set(items, '{0,quantity}', '2')",
  ),
  'each reservation matches its order': row(
    'order',
    'orders',
    'id',
    ({ held }) => held.order,
    `user_id = '${randomUUID()}'`,
  ),
  'Redis equals PostgreSQL': async (stack, { product }, work) => {
    const redis = new Redis(stack.redisAdminUrl);
    try {
      const available = await redis.hget(stockKey(product), 'available');
      await redis.hset(stockKey(product), 'available', '1');
      await work();
      await redis.hset(stockKey(product), 'available', available!);
    } finally {
      redis.disconnect();
    }
    return product;
  },
};
const onlyOfBroker = ['no dead letter waits for somebody to look at it'];

const options = {
  demo: { shoppers: 5 },
  instances: 1, // the audit asks the servers, whoever writes to them
  // Nothing moves by itself while the books are broken, and nothing of Redis is mended: that alone the shop would do.
  env: { HOLD_TTL_MS: '3600000', VIEW_REFRESH_MS: '86400000' },
};

// With a broker and without one: the checks of any other stack are those of one of these.
for (const kind of ['sync', 'async'] as const) {
  const hasBroker = needsRabbitmq(kind);
  const titles = Object.keys(breaks).filter((title) => hasBroker || !onlyOfBroker.includes(title));
  onEachStack(
    'the audit of a stack that runs',
    options,
    (theShop) => {
      let stack: Stack;
      let books: Books;
      const audit = (): Promise<AuditReport> => runAudit({ stack, quietWithinMs: 20_000 });

      beforeAll(async () => {
        stack = theShop().stack;
        books = await aSale(theShop());
        await expectAuditClean(stack);
      });

      test('has a broken book for each of its checks', async () => {
        const { verdict, checks } = await audit();
        expect(verdict).toBe('passed');
        expect(checks.map(({ title }) => title).sort()).toEqual([...titles].sort());
        expect(checks.filter(({ counted }) => counted === 0)).toEqual([]);
      });

      test.each(titles)('finds out when it is not true that %s', async (title) => {
        let report: AuditReport | undefined;
        const named = await breaks[title]!(stack, books, async () => void (report = await audit()));
        expect(report).toMatchObject({ verdict: 'failed' });
        expect(report!.checks.filter(({ ok }) => !ok).map((check) => check.title)).toEqual([title]);
        expect(report!.found.join('\n')).toContain(named);
      });

      test('passes when all is mended', () => expectAuditClean(stack));
    },
    [kind],
  );
}
