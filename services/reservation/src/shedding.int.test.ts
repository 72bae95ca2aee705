import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MemoryNetwork, memoryTransport } from '@flash-sale/shared/messaging/memory-transport.ts';
import type { Intake, NotDelivered, OutboxRecord, Transport } from '@flash-sale/shared/messaging/transport.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient } from '@flash-sale/shared/testing/service.ts';
import { outcomeOf, shopping } from '../../../test-kit/in-process/shopping.ts';
import { startShop, type Shop } from '../../../test-kit/in-process/shop.ts';

/*
 * New reservations are refused while what the old ones brought about cannot be delivered for long: while their receiver is
 * away, that is. A record that fails by itself is late, too, for ever, and must not close the shop.
 */

const maxAgeMs = 3_000;
let shop: Shop;
/** What becomes of the requests for a product that are to be brought to the inventory; they arrive unless it says otherwise. */
const outcomes = new Map<string, NotDelivered>();

beforeAll(async () => {
  const network = new MemoryNetwork();
  shop = await startShop({
    transport: () => ({ transport: failing(memoryTransport(network)) }),
    settings: { OUTBOX_AGE_MAX_MS: `${maxAgeMs}`, PUBLISH_AGE_MAX_MS: `${maxAgeMs}`, WORK_LATE_MS: `${maxAgeMs}` },
  });
});
afterAll(() => shop?.close());

/** Also as if there were a broker, so that what counts for that counts here. */
function failing(transport: Transport): Transport {
  let intake: Intake | undefined;
  const outcomeOfRecord = ({ events }: OutboxRecord) =>
    events
      .flatMap((event) => (event.type === 'reservation.requested' ? event.data.items : []))
      .map(({ productId }) => outcomes.get(productId))
      .find((outcome) => outcome !== undefined);
  return {
    ...transport,
    start: (service) => transport.start((intake = service)),
    deliver: async (records) => {
      for (const record of records) {
        const outcome = outcomeOfRecord(record);
        if (outcome) intake!.notDelivered(record, outcome);
        else await transport.deliver([record]);
      }
    },
    oldestUnconfirmedMs: () => undefined,
  };
}

/** Reserves a unit in a cart of a new shopper. */
async function reserve(productId: string, wait = 20): Promise<[number, string]> {
  const user = shopping(shop);
  const shopper = shop.aShopper();
  return outcomeOf(await user.reserve(shopper, await user.aCart(shopper, [productId, 1]), { wait }));
}
const isLate = async () => (await jsonClient(shop.urlOf('reservation'))('GET', '/readyz?work')).status === 503;
const undelivered = () =>
  shop.query<{ age_ms: number; poison: boolean }>(
    'reservation',
    'SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 * 1000 AS age_ms, poison FROM outbox ORDER BY created_at',
  );
const untilOlderThanAllowed = () =>
  eventually(async () => {
    const [oldest] = await undelivered();
    expect(oldest!.age_ms).toBeGreaterThan(2 * maxAgeMs);
    return oldest!;
  });

test('one that fails though others get through refuses nobody, however old it grows', async () => {
  const user = shopping(shop);
  const [failingProduct, product] = [await user.aProduct(), await user.aProduct({ stock: 1_000 })];
  outcomes.set(failingProduct, 'transient');
  expect(await reserve(failingProduct, 0)).toEqual([202, 'ok']);
  expect(await untilOlderThanAllowed()).toMatchObject({ poison: true });
  await eventually(async () => expect([await reserve(product), await isLate()]).toEqual([[201, 'ok'], false]));
  await eventually(async () => expect(await undelivered()).toHaveLength(1));

  outcomes.clear();
  await eventually(async () => expect(await undelivered()).toEqual([]));
});

test('a receiver that is away refuses everybody after a while, until it is back', async () => {
  const product = await shopping(shop).aProduct({ stock: 1_000 });
  outcomes.set(product, 'unreachable');
  expect(await reserve(product, 0)).toEqual([202, 'ok']);
  expect(await untilOlderThanAllowed()).toMatchObject({ poison: false });
  await eventually(async () =>
    expect([await reserve(product, 0), await isLate()]).toEqual([[503, 'overloaded'], true]),
  );

  outcomes.clear();
  await eventually(async () => expect([await reserve(product), await isLate()]).toEqual([[201, 'ok'], false]));
});
