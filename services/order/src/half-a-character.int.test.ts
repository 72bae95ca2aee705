import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { deadLettersExchange, eventsExchange } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { startService, type RunningService } from '@flash-sale/shared/service/service.ts';
import { transportFor } from '@flash-sale/shared/service/transports.ts';
import type { StackName } from '@flash-sale/shared/stacks.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient, testConfig } from '@flash-sale/shared/testing/service.ts';
import { forDeadLetters } from '../../../infra/dlq/dead-letters.ts';
import { withClient } from '../../../infra/launcher/databases.ts';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { createTestVhost, type TestVhost } from '../../../infra/testing/rabbitmq.ts';
import { configSchema } from './config.ts';
import { orderService } from './service.ts';

/*
 * An older release let half a character into names, which no jsonb column takes. What it has sent, or what was put aside
 * for it, must come to its end all the same.
 */

let database: TestDatabase;
let vhost: TestVhost;
beforeAll(async () => {
  [database, vhost] = await Promise.all([createTestDatabase('order'), createTestVhost()]);
});
afterAll(async () => {
  await Promise.all([database?.drop(), vhost?.drop()]);
});

async function withOrderService<Result>(stack: StackName, work: (service: RunningService) => Promise<Result>) {
  const config = testConfig(configSchema, {
    STACK: stack,
    DATABASE_URL: database.url,
    MIGRATION_DATABASE_URL: database.ownerUrl,
    AMQP_URL: vhost.url,
  });
  const service = await startService(orderService, config, transportFor(stack));
  try {
    return await work(service);
  } finally {
    await service.stop();
  }
}

const aHold = () => {
  const event = anEvent('stock.held');
  event.data.items[0]!.name = 'half \ud83d';
  return event;
};
const nameOf = (orderId: string) =>
  withClient(database.adminUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT items->0->>'name' AS name FROM orders WHERE id = $1`,
      [orderId],
    );
    return rows[0]?.name;
  });

describe('an event with half a character in a name', () => {
  test('is handled when it comes over HTTP, as is what comes with it', () =>
    withOrderService('sync', async ({ url }) => {
      const { INTERNAL_TOKEN: token } = testConfig(configSchema);
      const [broken, whole] = [aHold(), anEvent('stock.held')];
      const answer = await jsonClient(url)('POST', '/internal/events', {
        body: { events: [broken, whole], acknowledged: [] },
        token,
      });
      expect(answer).toMatchObject({ status: 200, body: { failures: [] } });
      expect(await nameOf(broken.data.orderId)).toBe('half \ufffd');
      expect(await nameOf(whole.data.orderId)).toBe('Comet sneakers');
    }));

  test.each(['in its queue', 'among the dead letters, and is replayed'])('is handled when it lies %s', (where) =>
    withOrderService('async', async () => {
      const event = aHold();
      const content = Buffer.from(JSON.stringify(event));
      const options = { messageId: event.id, type: event.type, contentType: 'application/json', persistent: true };
      const isDead = where !== 'in its queue';
      await withChannel(vhost.url, async (channel) => {
        if (isDead) channel.publish(deadLettersExchange, 'order', content, options);
        else channel.publish(eventsExchange, event.type, content, options);
        await channel.waitForConfirms();
      });
      if (isDead)
        await eventually(async () =>
          expect((await forDeadLetters(vhost.url, { id: event.id }, 'replay')).letters).toHaveLength(1),
        );
      await eventually(async () => expect(await nameOf(event.data.orderId)).toBe('half \ufffd'));
      expect((await forDeadLetters(vhost.url, {}, 'keep')).letters).toEqual([]);
    }),
  );
});
