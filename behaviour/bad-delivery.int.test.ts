import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import type { Transport } from '@flash-sale/shared/messaging/transport.ts';
import { amqpTransport } from '@flash-sale/shared/testing/amqp-network.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import {
  againAfter,
  anyOrderWithin,
  twiceAtOnce,
  UnreliableNetwork,
} from '@flash-sale/shared/testing/unreliable-network.ts';
import { runAudit } from '../infra/audit/audit.ts';
import { createTestVhost } from '../infra/testing/rabbitmq.ts';
import { startTestPostgres, type TestServer } from '../infra/testing/servers.ts';
import { outcomeOf, shopping, type ReservationBody } from '../test-kit/in-process/shopping.ts';
import { startShop, type Shop, type Shopper } from '../test-kit/in-process/shop.ts';

/*
 * Delivery promises one thing: each event comes at least once. Here it does no more than that, to all services with two
 * instances each, while shoppers do everything that shoppers do; afterwards the books must balance as ever.
 */

/** Holds end when a shopper here is to be too late, and not because the machine is slow. */
const holdTtlMs = 600_000;
/** After all that follows from an event at once. */
const longAfterMs = 7_000;
const hotStock = 10;
const testTimeoutMs = 120_000;

// A server of its own: the audit looks for a moment at which nobody on the whole server writes.
let postgres: TestServer;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres?.close());

const openShop = (transport: () => Transport) =>
  startShop({
    services: serviceNames,
    instances: 2,
    transport: () => ({ transport: transport() }),
    serverUrl: postgres.url,
    settings: { HOLD_TTL_MS: `${holdTtlMs}` },
  });

interface Held {
  shopper: Shopper;
  reservation: ReservationBody;
}
type User = ReturnType<typeof shopping>;
type Way = (user: User, held: Held, shop: Shop) => Promise<void>;

/** What shoppers do with what they hold; each looks that the answer is one that may be given. */
const ways: Way[] = [
  (user, { shopper, reservation }) => payFor(user, shopper, reservation, 'tok_ok'),
  async (user, { shopper, reservation }) => {
    await payFor(user, shopper, reservation, 'tok_declined');
    await payFor(user, shopper, reservation, 'tok_ok');
  },
  async (user, { shopper, reservation }, shop) => {
    await payFor(user, shopper, reservation, 'tok_declined');
    await shop.endHold(reservation.id);
  },
  (user, { shopper, reservation }) => payFor(user, shopper, reservation, 'tok_error_once'),
  cancel,
  async (user, held) => {
    await Promise.all([cancel(user, held), payFor(user, held.shopper, held.reservation, 'tok_ok')]);
  },
  // So late that the hold ends while the gateway thinks.
  async (user, { shopper, reservation }, shop) => {
    const { id, orderId } = reservation;
    const paying = payFor(user, shopper, reservation, 'tok_slow');
    const requested = 'SELECT FROM payments WHERE order_id = $1 AND amount_cents IS NOT NULL';
    await eventually(async () => expect(await shop.query('payment', requested, [orderId])).toHaveLength(1));
    await shop.endHold(id);
    await paying;
  },
  // Forgets all about it.
  (_user, { reservation }, shop) => shop.endHold(reservation.id),
];

/** As clients are told to: what is not available for a moment, on a busy machine, is asked for again, with the same key. */
const obeying = <Answer extends { status: number }>(ask: () => Promise<Answer>): Promise<Answer> =>
  eventually(async () => {
    const answer = await ask();
    expect(answer.status).not.toBe(503);
    return answer;
  });

async function payFor(user: User, shopper: Shopper, { orderId }: ReservationBody, method: string): Promise<void> {
  const key = newId();
  expect([
    [201, 'ok'],
    [202, 'ok'],
    [402, 'payment-declined'],
    [409, 'order-not-payable'],
  ]).toContainEqual(outcomeOf(await obeying(() => user.pay(shopper, orderId, { method, key }))));
}

async function cancel(user: User, { shopper, reservation }: Held): Promise<void> {
  expect([
    [200, 'ok'],
    [202, 'ok'],
    [409, 'reservation-completed'],
  ]).toContainEqual(outcomeOf(await obeying(() => user.cancel(shopper, reservation.id))));
}

/** Everything that shoppers do, at the same time: in each way some, and a crowd for a product of which there is little. */
async function sell(shop: Shop): Promise<void> {
  const user = shopping(shop);
  const [plenty, hot] = [
    await user.aProduct({ stock: 1_000 }),
    await user.aProduct({ stock: hotStock, limitPerUser: 1 }),
  ];
  const visit = async (product: string, way: Way) => {
    const shopper = shop.aShopper();
    const [cart, key] = [await user.aCart(shopper, [product, 1]), newId()];
    const reserved = await obeying(() => user.reserve(shopper, cart, { key }));
    expect([
      [201, 'ok'],
      [409, 'sold-out'],
    ]).toContainEqual(outcomeOf(reserved));
    if (reserved.status === 201) await way(user, { shopper, reservation: reserved.body }, shop);
  };
  const visits = [
    ...Array.from({ length: 5 * ways.length }, (_, n) => visit(plenty, ways[n % ways.length]!)),
    ...Array.from({ length: 4 * hotStock }, () => visit(hot, ways[0]!)),
  ];
  await Promise.all(visits);
}

/** Waits until each reservation has come to its end, and then until `settled`; nothing may be wrong in the books. */
async function expectGoodEnd(
  shop: Shop,
  stack: { stack: 'sync' } | { stack: 'async'; amqpUrl: string },
  settled: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Record<string, number>> {
  const open = `SELECT id, status FROM reservations WHERE status IN ('pending', 'held')`;
  await eventually(async () => expect(await shop.query('reservation', open)).toEqual([]));
  await settled();
  const { verdict, found, checks } = await runAudit({
    stack: { ...stack, databaseUrls: shop.databaseUrls, redisUrl: shop.redis.url },
  });
  expect({ verdict, found }).toEqual({ verdict: 'passed', found: [] });
  expect(checks.filter(({ counted }) => counted === 0)).toEqual([]);
  const ends = await shop.query<{ status: string; count: number }>(
    'order',
    'SELECT status, count(*)::int AS count FROM orders GROUP BY status',
  );
  return Object.fromEntries(ends.map(({ status, count }) => [status, count]));
}

describe('a sale stays exact', () => {
  test.each([
    { what: 'comes twice at once, at both instances', fate: twiceAtOnce, seed: 1, faults: ['repeated'] },
    { what: 'comes again when all is long over', fate: againAfter(longAfterMs), seed: 1, faults: ['repeated'] },
    ...[1, 2].map((seed) => ({
      what: 'comes in any order, perhaps twice, or only when it is sent again',
      fate: anyOrderWithin(400),
      seed,
      faults: ['overtaken', 'repeated', 'lost'] as const,
    })),
  ] as const)(
    'when each event $what (seed $seed)',
    async ({ fate, seed, faults }) => {
      const network = new UnreliableNetwork({ fate, seed });
      const shop = await openShop(() => network.transport());
      try {
        await sell(shop);
        const ends = await expectGoodEnd(shop, { stack: 'sync' }, () => network.settled());
        expect(Object.keys(ends).sort()).toEqual(['cancelled', 'confirmed', 'refunded']);
        // Or nothing was tested.
        for (const fault of faults) expect([fault, network.counts[fault]]).not.toEqual([fault, 0]);
      } finally {
        await shop.close();
      }
    },
    testTimeoutMs,
  );

  test(
    'when RabbitMQ is given each event twice',
    async () => {
      const vhost = await createTestVhost();
      const shop = await openShop(() => givenTwice(amqpTransport(vhost.url)));
      try {
        await sell(shop);
        const ends = await expectGoodEnd(shop, { stack: 'async', amqpUrl: vhost.url });
        expect(Object.keys(ends).sort()).toEqual(['cancelled', 'confirmed', 'refunded']);
      } finally {
        await shop.close();
        await vhost.drop();
      }
    },
    testTimeoutMs,
  );
});

/** Whatever is to be delivered is delivered twice at once. */
const givenTwice = (transport: Transport): Transport => ({
  start: (intake) => transport.start(intake),
  deliver: async (records) => {
    await Promise.all([transport.deliver(records), transport.deliver(records)]);
  },
  healthy: () => transport.healthy(),
  stopReceiving: async () => transport.stopReceiving?.(),
  stop: () => transport.stop(),
});
