import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { commonSchema } from '../config.ts';
import { echoConfig, echoService, upgraded } from '../testing/echo-service.ts';
import { eventually } from '../testing/eventually.ts';
import { jsonClient } from '../testing/service.ts';
import type { TransportFactory } from './definition.ts';
import { startService } from './service.ts';

/* A service that keeps nothing is run like the others, and needs no server to start. */

const noTransport: TransportFactory = () => {
  throw new Error('who tells of nothing needs no transport');
};
const noRedis = { REDIS_URL: 'redis://127.0.0.1:9' };

test('it answers requests and upgrades, is ready, and when it stops ends what stays open', async () => {
  let closed = false;
  const service = await startService(
    echoService({ onClose: () => void (closed = true) }),
    echoConfig(noRedis),
    noTransport,
  );
  const call = jsonClient(service.url);
  expect((await call('GET', '/hello')).body).toEqual({ hello: 'there' });
  expect((await call('GET', '/readyz?work')).body).toEqual({ status: 'ok', checks: { redis: 'away' } });
  const { socket, said } = await upgraded(service.url);
  expect(await said()).toMatch(/^HTTP\/1.1 101 /);
  socket.write('still here');
  expect(await said()).toBe('still here');

  const [stopped, goodbye, ended] = [service.stop(), said(), once(socket, 'close')];
  expect(await goodbye).toBe('goodbye');
  await Promise.all([stopped, ended]);
  expect(closed).toBe(true);
  await expect(call('GET', '/hello')).rejects.toThrow();
});

test('it is given nothing of a database, and tells no figures of one', async () => {
  const given: string[] = [];
  const note = (kernel: object) => void given.push(...Object.keys(kernel));
  const service = await startService(echoService({ onKernel: note }), echoConfig(noRedis), noTransport);
  try {
    expect(given.toSorted()).toEqual(['config', 'draining', 'log', 'metrics', 'peers', 'redis', 'tokens', 'work']);
    const page = await (await fetch(`${service.url}/metrics`)).text();
    expect(page).toContain('http_request_duration_seconds');
    expect(page).not.toMatch(/flash_sale_(outbox|queue|dead|lane|pool)/);
  } finally {
    await service.stop();
  }
});

test('one that cannot be built leaves nothing open', async () => {
  let redis: Redis | undefined;
  const broken = echoService({
    onKernel: (kernel) => {
      redis = kernel.redis;
      throw new Error('cannot be built');
    },
  });
  await expect(startService(broken, echoConfig(noRedis), noTransport)).rejects.toThrow('cannot be built');
  await eventually(() => expect(redis?.status).toBe('end'));
});

test('no setting of its is about a database, an outbox or batches', () => {
  expect(
    Object.keys(commonSchema.shape).filter((name) =>
      /^(?!OTEL_).*(DATABASE|BOX|BATCH|POOL|RETENTION|LEASE)/.test(name),
    ),
  ).toEqual([]);
});
