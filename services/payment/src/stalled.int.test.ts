import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { accessTokens } from '@flash-sale/shared/auth.ts';
import { newId, orderIds } from '@flash-sale/shared/ids.ts';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { eventPublication } from '@flash-sale/shared/messaging/amqp-messages.ts';
import { startService, type RunningService } from '@flash-sale/shared/service/service.ts';
import { transportFor } from '@flash-sale/shared/service/transports.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient, testConfig } from '@flash-sale/shared/testing/service.ts';
import { startTcpProxy, type TcpProxy } from '@flash-sale/shared/testing/tcp-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { createTestVhost, type TestVhost } from '../../../infra/testing/rabbitmq.ts';
import { configSchema } from './config.ts';
import { paymentService } from './service.ts';

/*
 * A broker that keeps its connections and confirms nothing: frozen, or its queues are down. All sockets look well.
 */

const userId = newId();
let databases: TestDatabase[];
let vhost: TestVhost;
let proxy: TcpProxy;
let service: RunningService;
let token: string;
let mint: () => string;

beforeAll(async () => {
  databases = await Promise.all([createTestDatabase('payment'), createTestDatabase('gateway')]);
  vhost = await createTestVhost();
  proxy = await startTcpProxy(vhost.url);
  const config = testConfig(configSchema, {
    STACK: 'async',
    AMQP_URL: proxy.url,
    DATABASE_URL: databases[0]!.url,
    MIGRATION_DATABASE_URL: databases[0]!.ownerUrl,
    GATEWAY_DATABASE_URL: databases[1]!.url,
    GATEWAY_MIGRATION_DATABASE_URL: databases[1]!.ownerUrl,
    PUBLISH_AGE_MAX_MS: '1500',
    WORK_LATE_MS: '500',
  });
  service = await startService(paymentService, config, transportFor('async'));
  token = accessTokens(config.JWT_SECRET).sign({ userId, role: 'shopper' }, 600);
  mint = () => orderIds(config.ORDER_ID_SECRET).mint(userId);
});
afterAll(async () => {
  await service?.stop();
  await proxy?.close();
  await vhost?.drop();
  await Promise.all(databases.map((database) => database.drop()));
});

const call = (method: string, path: string, options = {}) =>
  jsonClient(service.url)(method, path, { token, ...options });
const pay = (orderId: string, wait = 0) =>
  call('POST', '/api/payments', {
    body: { orderId, method: { token: 'tok_ok' } },
    headers: { 'idempotency-key': newId(), prefer: `wait=${wait}` },
  });
/** An order that may be paid, as the order service announces it. */
async function anOrder(): Promise<string> {
  const orderId = mint();
  const { exchange, routingKey, content, options } = eventPublication(anEvent('order.opened', { orderId, userId }), 1);
  await withChannel(vhost.url, async (channel) => {
    channel.publish(exchange, routingKey, content, options);
    await channel.waitForConfirms();
  });
  return orderId;
}

describe('while the broker confirms nothing', () => {
  test('new payments hear so after a while, the shop says so, and no money is taken; then all goes on', async () => {
    const [before, first, later] = [await anOrder(), await anOrder(), await anOrder()];
    expect(await pay(before, 20)).toMatchObject({ status: 201, body: { status: 'captured' } });
    await eventually(async () => expect((await call('GET', '/readyz?work')).status).toBe(200));

    proxy.stall();
    const accepted = await pay(first);
    expect(accepted).toMatchObject({ status: 202, body: { status: 'pending' } });
    await eventually(async () =>
      expect(await call('GET', '/readyz?work')).toMatchObject({
        status: 503,
        body: { status: 'late', checks: { transport: 'ok' }, lateSeconds: { publish: expect.any(Number) } },
      }),
    );
    // What a start waits for is something else.
    await eventually(async () =>
      expect(await call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } }),
    );
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/^flash_sale_work_age_seconds\{.*work="publish".*\} [0-9.]+$/m);

    await eventually(async () => {
      const refused = await pay(mint());
      expect([refused.status, refused.body['type'], refused.headers.get('retry-after')]).toEqual([
        503,
        '/problems/overloaded',
        '5',
      ]);
    });
    expect((await call('GET', `/api/payments/${String(accepted.body['id'])}`)).status).toBe(200);

    await proxy.restore();
    await eventually(async () => expect((await pay(later, 20)).body).toMatchObject({ status: 'captured' }));
    await eventually(async () =>
      expect((await call('GET', `/api/payments/${String(accepted.body['id'])}`)).body['status']).toBe('captured'),
    );
    await eventually(async () => expect((await call('GET', '/readyz?work')).status).toBe(200));
  });
});
