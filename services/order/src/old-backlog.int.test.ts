import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { migrate } from '@flash-sale/shared/db/migrate.ts';
import { Neighbours } from '@flash-sale/shared/messaging/in-process-transport.ts';
import { startService, type RunningService } from '@flash-sale/shared/service/service.ts';
import { transportFor } from '@flash-sale/shared/service/transports.ts';
import { stackNames, stacks, type StackName } from '@flash-sale/shared/stacks.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient, testConfig } from '@flash-sale/shared/testing/service.ts';
import { withClient } from '../../../infra/launcher/databases.ts';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { createTestVhost, type TestVhost } from '../../../infra/testing/rabbitmq.ts';
import { migrations } from '../migrations/index.ts';
import { configSchema } from './config.ts';
import { orderService } from './service.ts';

let database: TestDatabase;
let vhost: TestVhost;
let service: RunningService | undefined;
beforeAll(async () => {
  [database, vhost] = await Promise.all([createTestDatabase('order'), createTestVhost()]);
  await migrate(database.ownerUrl, migrations);
});
afterEach(async () => {
  await service?.stop();
  service = undefined;
  await query('TRUNCATE outbox');
});
afterAll(() => Promise.all([database?.drop(), vhost?.drop()]));

const query = (text: string, values: unknown[] = []) =>
  withClient(database.adminUrl, async (client) => (await client.query<Record<string, number>>(text, values)).rows);
const start = async (stack: StackName) => {
  const config = testConfig(configSchema, {
    STACK: stack,
    DATABASE_URL: database.url,
    MIGRATION_DATABASE_URL: database.ownerUrl,
    AMQP_URL: vhost.url,
  });
  service = await startService(orderService, config, transportFor(stack, new Neighbours()));
  return jsonClient(service.url);
};
/** Left by processes that are long gone. */
const leave = (records: number, { poison = false } = {}) =>
  query(
    `INSERT INTO outbox (id, events, created_at, next_attempt_at, attempts, poison)
     SELECT gen_random_uuid(), $2::json, now() - interval '10 minutes', now() - interval '10 minutes',
            CASE WHEN $3 THEN 30 ELSE 0 END, $3
       FROM generate_series(1, $1)`,
    [records, JSON.stringify([anEvent('order.cancelled')]), poison],
  );

test.each(stackNames)('a start over an old backlog comes up and works it off (%s)', async (stack) => {
  const records = 50_000;
  await leave(records);
  const call = await start(stack);
  await eventually(async () =>
    expect(await call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } }),
  );
  // Who looks at the work sees that it is late.
  await eventually(async () =>
    expect(await call('GET', '/readyz?work')).toMatchObject({
      status: 503,
      body: { status: 'late', lateSeconds: { outbox: expect.any(Number) } },
    }),
  );
  if (stacks[stack].events !== 'amqp') return; // there is nobody to bring them to
  await eventually(async () =>
    expect((await query('SELECT count(*)::int AS n FROM outbox'))[0]!['n']).toBeLessThan(records),
  );
});

test.each(stackNames)('a start over what fails by itself comes up, and is late for nobody (%s)', async (stack) => {
  await leave(1, { poison: true });
  await query(`UPDATE outbox SET next_attempt_at = now() + interval '1 hour'`);
  const call = await start(stack);
  const depth = async () =>
    /^flash_sale_outbox_records\{.*\} 1$/m.test(await (await fetch(`${service!.url}/metrics`)).text());
  await eventually(async () => expect(await depth()).toBe(true));
  for (const path of ['/readyz', '/readyz?work'])
    await eventually(async () => expect(await call('GET', path)).toMatchObject({ status: 200 }));
});
