import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { copyOf } from '@flash-sale/shared/messaging/amqp-messages.ts';
import { readMessage } from '@flash-sale/shared/messaging/amqp-reading.ts';
import { batchQueueOf, retrySteps } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { needsRabbitmq, type StackName, stackNames } from '@flash-sale/shared/stacks.ts';
import { countWaitingByQueue } from '../infra/dlq/broker.ts';
import { freePort } from '../infra/launcher/free-port.ts';
import { startStack } from '../infra/launcher/stack.ts';
import type { Stack } from '../infra/launcher/stack-types.ts';
import { dataFolder } from '../infra/testing/prepared-data.ts';
import { liftedBounds } from '../test-kit/stack/load-settings.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { until } from '../test-kit/until.ts';
import { Sale } from '../test-kit/stack/sale.ts';
import { Shop } from '../test-kit/stack/shop.ts';

/*
 * All stacks sell from the same data, one after the other: also when the first dies in the middle of a sale, with events in
 * its broker that the next one has no use for.
 */

jest.setTimeout(400_000);
const sellers = 10;
const [first] = stackNames.filter((name) => needsRabbitmq(name));
const others = stackNames.filter((name) => !needsRabbitmq(name));
const delayed = retrySteps.at(-1)!;

let dataDir: string;
let port: number;
let stack: Stack;
let sale: Sale;
const log: string[] = [];
const start = async (kind: StackName) => {
  log.splice(0);
  const options = { demo: { shoppers: sellers }, env: { ...liftedBounds, HOLD_TTL_MS: '3600000' } };
  stack = await startStack({ stack: kind, dataDir, port, onLog: (line) => log.push(line), ...options });
};
const namesRabbitmq = () => log.filter((line) => line.includes('RabbitMQ'));

beforeAll(async () => {
  [dataDir, port] = [await dataFolder('leftovers'), await freePort()];
  await start(first!);
  const shop = new Shop(stack);
  sale = new Sale(shop, await Promise.all([100_000, 100_000, 100].map((stock) => shop.aProduct({ stock }))));
  sale.open(sellers);
  await sale.goesOn();
});
afterAll(async () => {
  await sale?.close();
  await stack?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test('a stack dies in the middle of a sale, and leaves events in queues and among retries', async () => {
  await Promise.all(['order-1', 'order-2'].map((name) => stack.stopProcess(name)));
  await until('events wait for the order service, one of them for its next try', async () => {
    await withChannel(stack.amqpAdminUrl!, async (channel) => {
      const batch = await channel.get(batchQueueOf('order'));
      if (batch === false) return;
      for (const { alone } of readMessage(batch, 'order').carried) {
        const { content, options } = copyOf(alone(), {});
        // As a service puts away what fails for now, and as the release before sent each event.
        channel.publish(delayed.exchange, 'order', content, options);
        channel.sendToQueue('order', content, options);
      }
      await channel.waitForConfirms();
      channel.ack(batch);
    });
    const waiting = Object.fromEntries(await countWaitingByQueue(stack.amqpUrl!));
    return ['order', batchQueueOf('order'), delayed.name].every((queue) => waiting[queue]! > 0);
  });
  stack.killNow();
});

test.each(others)('the %s stack goes on with its sale, once what was left has been handled', async (kind) => {
  await start(kind);
  const [nextToFirst] = others;
  if (kind === nextToFirst) {
    expect(log).toContainEqual(
      // Also that of the next try, which goes back to the service's queue should the start take that long.
      expect.stringMatching(/RabbitMQ still holds events \(.*: \d+.*\): handling them first/),
    );
  } else expect(namesRabbitmq()).toEqual([]);
  expect(stack.processes.map(({ name }) => name)).not.toContain('rabbitmq');
  await sale.goesOn();
  if (kind !== others.at(-1)) stack.killNow();
});

test('in the end nothing is lost, and nothing is left to be done', async () => {
  await sale.close();
  expect(sale.surprises).toEqual([]);
  await expectAuditClean(stack);
});
