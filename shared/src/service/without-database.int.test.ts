import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { freePort } from '../../../infra/launcher/free-port.ts';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { configSchema } from '../../../services/order/src/config.ts';
import { orderService } from '../../../services/order/src/service.ts';
import { MemoryNetwork, memoryTransport } from '../messaging/memory-transport.ts';
import { eventually } from '../testing/eventually.ts';
import { echoConfig, echoService, upgraded } from '../testing/echo-service.ts';
import { jsonClient, testConfig } from '../testing/service.ts';
import { startable, startTogether } from './together.ts';

/* A service that keeps nothing shares a process with one that does. */

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase('order');
});
afterEach(() => database.drop());

test('both are ready, each by what it needs, and stop together', async () => {
  const [orderPort, echoPort] = [String(await freePort()), String(await freePort())];
  const ofOrder = testConfig(configSchema, {
    PORT: orderPort,
    DATABASE_URL: database.url,
    MIGRATION_DATABASE_URL: database.ownerUrl,
  });
  const services = [startable(orderService, ofOrder), startable(echoService(), echoConfig({ PORT: echoPort }))];
  const running = await startTogether(services, () => ({ transport: memoryTransport(new MemoryNetwork()) }));
  const readyAt = async (port: string) =>
    (await jsonClient(`http://127.0.0.1:${port}`)('GET', '/readyz')).body['checks'];
  const ofEcho = await upgraded(`http://127.0.0.1:${echoPort}`);
  expect(await ofEcho.said()).toMatch(/^HTTP\/1.1 101 /);
  await eventually(async () =>
    expect(await readyAt(orderPort)).toEqual({ database: 'ok', redis: 'ok', transport: 'ok' }),
  );
  await eventually(async () => expect(await readyAt(echoPort)).toEqual({ redis: 'ok' }));

  const goodbye = ofEcho.said();
  const stopped = running.stop();
  expect(await goodbye).toBe('goodbye');
  await stopped;
  for (const port of [orderPort, echoPort]) await expect(readyAt(port)).rejects.toThrow();
});
