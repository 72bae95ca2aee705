import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectRedis, stateOfRedis } from '@flash-sale/shared/redis/connection.ts';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createTestRedis, type TestRedis } from '../testing/redis.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { redisUsers, type RedisUser } from './redis-users.ts';

let server: TestRedis;
const clients: Redis[] = [];
const connect = (url: string) => {
  const client = new Redis(url);
  clients.push(client);
  return client;
};
let admin: Redis;
let as: Record<RedisUser, Redis>;

beforeAll(async () => {
  server = await createTestRedis();
  admin = connect(server.url);
  as = Object.fromEntries(redisUsers.map((user) => [user, connect(server.urlOf(user))])) as typeof as;
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server?.close();
});

const stock = 'stock:{a}';
const write = ['EVAL', "return redis.call('HSET', KEYS[1], 'available', '1')", '1', stock];

test.each<[RedisUser, string[]]>([
  ...serviceNames.map((name): [RedisUser, string[]] => [name, ['SET', `ready:${name}:1`, '1', 'PX', '1000']]),
  ['inventory', write],
  ['inventory', ['SET', 'stock:complete', '1', 'PX', '1000']],
  ['inventory', ['DEL', 'stock:complete']],
  ['inventory', ['TIME']],
  ['reservation', ['HMGET', stock, 'available']],
  ['reservation', ['PTTL', 'stock:complete']],
  ['reservation', ['EVAL', "return redis.call('INCRBY', KEYS[1], 1)", '1', 'limit:carts:b']],
  ['reservation', ['PUBLISH', 'settled:reservation', '[]']],
  ['order', ['PUBLISH', 'settled:order', '[]']],
  ['order', ['EVAL', "return redis.call('HINCRBY', KEYS[1], 'changing', 1)", '1', 'position:order:a']],
  ['payment', ['PUBLISH', 'settled:payment', '[]']],
  ['payment', ['SET', 'payment-tried:a', '1', 'EX', '10']],
  ['reservation', ['MGET', 'payment-tried:a', 'payment-tried:b']],
  ['user', ['SET', 'log-in:known:a', '1', 'EX', '10']],
  ['user', ['EXISTS', 'log-in:known:a']],
  ['user', ['INCRBY', 'limit:log-in:address:a', '1']],
  ['user', ['GET', 'crowd:count']],
  ['reservation', ['SET', 'crowd:count', '1 2', 'PX', '500']],
  ['reservation', ['ZADD', 'crowd:there', '1', 'a']],
  ['reservation', ['ZADD', 'crowd:over', '1', 'a']],
  ['auditor', ['HMGET', stock, 'available']],
  ['auditor', ['INFO', 'stats']],
])('%s may %j', async (user, [command, ...args]) => {
  await as[user].call(command!, ...args);
});

test.each<[RedisUser, string[]]>([
  ...serviceNames.flatMap((name): [RedisUser, string[]][] => {
    const other = name === 'user' ? 'order' : 'user';
    return [
      [name, ['FLUSHALL']],
      [name, ['CONFIG', 'GET', '*']],
      [name, ['ACL', 'LIST']],
      [name, ['KEYS', '*']],
      [name, ['SCAN', '0']],
      [name, ['SCRIPT', 'FLUSH']],
      [name, ['FUNCTION', 'FLUSH']],
      [name, ['CLIENT', 'KILL', 'TYPE', 'normal']],
      [name, ['SHUTDOWN', 'NOSAVE']],
      [name, ['MONITOR']],
      [name, ['REPLICAOF', '127.0.0.1', '9']],
      [name, ['SET', `ready:${other}:1`, '1']],
      [name, ['PUBLISH', `settled:${other}`, '[]']],
      [name, ['SUBSCRIBE', 'settled:inventory']],
      [name, ['SET', 'anything', '1']],
    ];
  }),
  ...(['user', 'reservation', 'order', 'payment', 'auditor'] as const).flatMap((user): [RedisUser, string[]][] => [
    [user, write],
    [user, ['HSET', stock, 'available', '9']],
    [user, ['DEL', 'stock:complete']],
  ]),
  ['order', ['HGET', stock, 'available']],
  ['payment', ['GET', 'log-in:known:a']],
  ['inventory', ['DEL', 'limit:log-in:address:a']],
  ['reservation', ['SET', 'log-in:known:a', '1']],
  ['reservation', ['SET', 'payment-tried:a', '1']],
  ['user', ['GET', 'payment-tried:a']],
  ['user', ['SET', 'crowd:count', '1 1']],
  ['user', ['ZADD', 'crowd:over', '1', 'a']],
  ['auditor', ['PUBLISH', 'settled:order', '[]']],
  ['auditor', ['FLUSHALL']],
  ['auditor', ['SET', 'ready:auditor', '1']],
])('%s may not %j', async (user, [command, ...args]) => {
  await expect(as[user].call(command!, ...args)).rejects.toThrow(/NOPERM/);
});

test('the one password goes on being enough, for services of the release before', async () => {
  expect(await admin.set('ready:order:1', '1', 'PX', 1_000)).toBe('OK');
});

test('what is forbidden is told once, by the command, and not taken for an outage', async () => {
  const lines: { level: number; msg: string; command?: string }[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
  const redis = connectRedis(server.urlOf('order'), log);
  clients.push(redis);
  await once(redis, 'ready');
  expect(await stateOfRedis(redis, 'order:1')).toBe('ok');
  await expect(redis.set('anything', '1')).rejects.toThrow(/NOPERM/);
  await redis.pipeline().set('anything', '1').hget(stock, 'available').exec();
  expect(lines.map(({ level, msg, command }) => [level, msg.slice(0, 13), command])).toEqual([
    [50, 'Redis forbids', 'set'],
    [50, 'Redis forbids', 'hget'],
  ]);
});

test('a wrong password is one line in the log', async () => {
  const lines: string[] = [];
  const url = new URL(server.urlOf('order'));
  url.password = 'wrong';
  const redis = connectRedis(url.href, pino({}, { write: (line: string) => void lines.push(line) }));
  clients.push(redis);
  for (let times = 0; times < 2; times += 1) await new Promise<void>((resolve) => redis.once('close', resolve));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('WRONGPASS');
});
