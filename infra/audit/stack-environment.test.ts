import { expect, test } from '@jest/globals';
import { environmentSchema } from './stack-environment.ts';

const sync = { STACK: 'sync', DATABASE_URL: 'postgres://fs_auditor:secret@db:5432/postgres', REDIS_URL: 'redis://r:1' };
const async = { ...sync, STACK: 'async', AMQP_URL: 'amqp://b:5672' };

test('a stack is what the environment tells: one server, a database of each service', () => {
  expect(environmentSchema.parse(async)).toMatchObject({
    stack: 'async',
    databaseUrls: {
      order: 'postgres://fs_auditor:secret@db:5432/fs_order',
      gateway: 'postgres://fs_auditor:secret@db:5432/fs_gateway',
    },
    redisUrl: 'redis://r:1',
    amqpUrl: 'amqp://b:5672',
    outboxMaxAttempts: 50,
  });
  expect(environmentSchema.parse({ ...async, OUTBOX_MAX_ATTEMPTS: '7' })).toMatchObject({ outboxMaxAttempts: 7 });
  expect(environmentSchema.parse(sync)).toMatchObject({ stack: 'sync', amqpUrl: undefined });
});

test.each([
  ['an async stack without its broker', { ...async, AMQP_URL: undefined }],
  ['a sync stack with one', { ...async, STACK: 'sync' }],
  ['no stack', { ...sync, STACK: undefined }],
])('%s is refused', (_what, environment) => {
  expect(environmentSchema.safeParse(environment).success).toBe(false);
});
