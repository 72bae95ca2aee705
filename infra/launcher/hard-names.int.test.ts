import { afterEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import {
  startTestInfluxdb,
  startTestPostgres,
  startTestRabbitmq,
  startTestRedis,
  type TestServer,
} from '../testing/servers.ts';
import { opensConnection } from './amqp-handshake.ts';
import { influxql } from './influxql.ts';
import { startEdge } from './testing/edge.ts';

/** Every character by which some program of ours ends a word, begins a comment, a variable or a list of files. */
const hard = {
  name: ` a b'c"d$e\${f}#g;h{i}j%20k\\l%m&n(o)p*q[r]s~t\`u!v|w<x>y?z=,:@^+é漢 -`,
  password: `a b'c"d#e;f{g}h%20i\\j&k(l)m*n[o]p~q\`r!s|t<u>v?w=,:@/^+é`,
};
/** With everybody else at work, a start may take long. */
const patienceMs = 180_000;

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
}, patienceMs);

test(
  'PostgreSQL runs in a folder of any name',
  async () => {
    server = await startTestPostgres(hard);
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    expect((await client.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  },
  patienceMs,
);

test('Redis does', async () => {
  server = await startTestRedis({ ...hard, password: `${hard.password}$` });
  const redis = new Redis(server.url);
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
});

test(
  'RabbitMQ does, and finds its data again',
  async () => {
    const rabbitmq = await startTestRabbitmq({ ...hard, password: `${hard.password}$` });
    server = rabbitmq;
    await rabbitmq.control('add_vhost', 'kept');
    await rabbitmq.stop();
    await rabbitmq.start();
    expect(await opensConnection(rabbitmq.url)).toBe(true);
    expect(await rabbitmq.control('--quiet', 'list_vhosts')).toContain('kept');
  },
  patienceMs,
);

test(
  'InfluxDB does, with the nginx before it',
  async () => {
    const influxdb = await startTestInfluxdb(hard);
    server = influxdb;
    const written = await fetch(`${influxdb.url}/api/v2/write?org=${influxdb.org}&bucket=${influxdb.bucket}`, {
      method: 'POST',
      headers: { authorization: 'Token of-a-test' },
      body: 'visits count=1',
    });
    expect(written.status).toBe(401);
    expect(await influxql(influxdb.queryUrl, 'SHOW MEASUREMENTS')).toEqual([]);
  },
  patienceMs,
);

test('nginx does, and has its problem documents', async () => {
  const edge = await startEdge({ edge: {}, name: hard.name });
  try {
    expect((await edge.raw('GET /readyz HTTP/1.0\r\n\r\n'))?.status).toBe(200);
    expect((await edge.raw('GET /nothing HTTP/1.0\r\n\r\n'))?.text).toContain('/problems/not-found');
  } finally {
    await edge.close();
  }
});
