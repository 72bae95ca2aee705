import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { createTestVhost, type TestVhost } from '../../../infra/testing/rabbitmq.ts';
import { migrate } from '../db/migrate.ts';
import { amqpTransport } from '../testing/amqp-network.ts';
import { eventually } from '../testing/eventually.ts';
import { counted, openTallyLane, tallyMigrations } from '../testing/tally.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { withChannel } from './amqp-channel.ts';
import { eventPublication } from './amqp-messages.ts';
import { retrySteps } from './amqp-topology.ts';

/*
 * An outage of the database, as messages from the broker live through it. At the steps on which they would wait at the broker,
 * the second lasts five seconds: two failures within an outage of a second would make six of it.
 */

let database: TestDatabase;
let vhost: TestVhost;
let proxy: TcpProxy;
let admin: pg.Client;
beforeAll(async () => {
  [database, vhost] = await Promise.all([createTestDatabase('away'), createTestVhost()]);
  await migrate(database.ownerUrl, tallyMigrations);
  proxy = await startTcpProxy(database.url);
  admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await proxy?.close();
  await Promise.all([database?.drop(), vhost?.drop()]);
});

test('what comes while the database is away waits in its process, and is handled as soon as it is back', async () => {
  const { lane, close } = openTallyLane(proxy.url);
  const transport = amqpTransport(vhost.url);
  let tries = 0;
  await transport.start({
    service: 'order',
    receive: (events, followUps) => {
      tries += events.length;
      return lane.receive(events, followUps);
    },
    acknowledge: (ids) => lane.acknowledge(ids),
    notDelivered: () => {},
    reachableAgain: () => {},
  });
  try {
    await proxy.cut();
    const events = Array.from({ length: 20 }, () => counted());
    await withChannel(vhost.url, async (channel) => {
      for (const event of events) {
        const { exchange, routingKey, content, options } = eventPublication(event, 1);
        channel.publish(exchange, routingKey, content, options);
      }
      await channel.waitForConfirms();
    });
    // Each several times: at the broker each would be at its second step by then.
    await eventually(() => expect(tries).toBeGreaterThan(4 * events.length));
    const waiting = await withChannel(vhost.url, (channel) =>
      Promise.all(retrySteps.map(async ({ name }) => (await channel.checkQueue(name)).messageCount)),
    );
    expect(waiting).toEqual(retrySteps.map(() => 0));

    await proxy.restore();
    await eventually(async () => {
      const { rows } = await admin.query<{ count: number }>('SELECT count(*)::int AS count FROM tallies');
      expect(rows[0]!.count).toBe(events.length);
    });
  } finally {
    await transport.stop();
    await close();
  }
});
