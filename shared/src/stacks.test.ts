import { expect, test } from '@jest/globals';
import { defaultStack, isStackName, stackNames, stacks } from './stacks.ts';

test('a stack is known by its name, and nothing else is one', () => {
  for (const name of stackNames) expect(isStackName(name)).toBe(true);
  for (const text of ['', 'Sync', 'both', 'toString', '__proto__']) expect(isStackName(text)).toBe(false);
  expect(isStackName(defaultStack)).toBe(true);
});

test('a stack whose events travel by RabbitMQ needs one', () => {
  for (const { events, servers } of Object.values(stacks))
    expect(events !== 'amqp' || servers.includes('rabbitmq')).toBe(true);
});
