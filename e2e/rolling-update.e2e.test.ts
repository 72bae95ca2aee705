import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Problem } from '@flash-sale/contract/api/schemas.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { batchesExchange } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { needsRabbitmq } from '@flash-sale/shared/stacks.ts';
import { countDeadLetters, countWaitingByQueue } from '../infra/dlq/broker.ts';
import { startStack } from '../infra/launcher/stack.ts';
import type { Stack } from '../infra/launcher/stack-types.ts';
import { releasesWithCode, replaceByRelease, unpackServices } from '../infra/testing/release/code.ts';
import { stacksOf } from '../infra/testing/release/fixture.ts';
import { dataFolder } from '../infra/testing/prepared-data.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import type { Answer, CallOptions } from '../test-kit/http.ts';
import { liftedBounds } from '../test-kit/stack/load-settings.ts';
import { Sale } from '../test-kit/stack/sale.ts';
import { Shop } from '../test-kit/stack/shop.ts';
import { until } from '../test-kit/until.ts';

/*
 * A sale that goes on while processes of an earlier release are replaced by those of this tree, one after the other: the set-up of
 * this tree has run, and old and new work side by side on its databases, its Redis and its RabbitMQ. Those of this tree trace.
 */

/**
 * What the release answers for a product that is there when Redis has not told it of its level within 300 ms: it took a read that
 * had failed for a product that does not exist.
 */
const isTooLateForTheRelease = ({ status, text }: Answer<unknown>) =>
  status === 404 && text.includes('There is no such product.');

/** Its answers are of either release. */
class ShopOfBoth extends Shop {
  override call<Body = Problem>(method: string, path: string, options?: CallOptions): Promise<Answer<Body>> {
    return super.call(method, path, { ...options, isOfAnyRelease: true });
  }
}

const sellers = 10;
/** Longer than usual: the sale only has to go on, and the machine has processes to start. */
const pauseMs = 250;
jest.setTimeout(400_000);

const cases = releasesWithCode.flatMap((release) => stacksOf(release).map((stack) => [stack, release] as const));

test('there is a release to come from', () => expect(cases.length).toBeGreaterThan(0));

describe.each(cases)('the %s stack comes from %s', (stackName, release) => {
  let dataDir: string;
  let stack: Stack;
  let sale: Sale;
  const putBack = new Map<string, () => Promise<void>>();
  const log: string[] = [];
  const nameOf = (service: string, instance: number) => `${service}-${instance}`;

  beforeAll(async () => {
    dataDir = await dataFolder('rolling-update');
    stack = await startStack({
      stack: stackName,
      layout: 'separate',
      dataDir,
      env: liftedBounds,
      demo: { shoppers: sellers },
      // What it has beside its events, the release does not know of.
      traces: true,
      onLog: (line) => log.push(line),
    });
    const shop = new ShopOfBoth(stack);
    const products = await Promise.all([100_000, 100_000, 60].map((stock) => shop.aProduct({ stock })));
    const services = await unpackServices(release, join(dataDir, 'release'));
    const names = [1, 2].flatMap((instance) => serviceNames.map((service) => nameOf(service, instance)));
    await Promise.all(names.map(async (name) => putBack.set(name, await replaceByRelease(stack, name, services))));
    const isPassing = (answer: Answer<unknown>) =>
      putBack.has(nameOf('reservation', 2)) && isTooLateForTheRelease(answer);
    sale = new Sale(shop, products, { pauseMs, isPassing });
    sale.open(sellers);
  });
  afterAll(async () => {
    await sale?.close();
    await Promise.all([...putBack.values()].map((back) => back()));
    await stack?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const replace = async (name: string) => {
    await putBack.get(name)!();
    putBack.delete(name);
  };

  test('the release sells where the set-up of this tree has run', async () => {
    await sale.goesOn(20);
    expect(sale.surprises.splice(0)).toEqual([]);
  });

  // In this order those of this tree tell services of which there are old processes alone.
  test.each([...serviceNames])('one process of %s is replaced, and the sale goes on', async (service) => {
    await replace(nameOf(service, 1));
    await sale.goesOn(20);
    expect(sale.surprises.splice(0)).toEqual([]);
  });

  test.each([...serviceNames].reverse())('the other one of %s is replaced, and the sale goes on', async (service) => {
    await replace(nameOf(service, 2));
    await sale.goesOn(20);
    expect(sale.surprises.splice(0)).toEqual([]);
  });

  if (needsRabbitmq(stackName))
    test('by then events travel in batches', () =>
      withChannel(stack.amqpAdminUrl!, async (channel) => {
        const { queue } = await channel.assertQueue('', { exclusive: true });
        await channel.bindQueue(queue, batchesExchange, '#');
        await until('a batch', async () => (await channel.checkQueue(queue)).messageCount > 0);
      }));

  test('in the end all is sold exactly, nothing was put aside, and nothing waits', async () => {
    await sale.close();
    await expectAuditClean(stack);
    expect(log.filter((line) => / ended \(/.test(line))).toEqual([]);
    if (!needsRabbitmq(stackName)) return;
    expect((await countDeadLetters(stack.amqpUrl!)).filter(([, count]) => count > 0)).toEqual([]);
    expect((await countWaitingByQueue(stack.amqpUrl!)).filter(([, count]) => count > 0)).toEqual([]);
    const logs = serviceNames.map((service) => readFile(join(dataDir, 'logs', `${nameOf(service, 1)}.log`), 'utf8'));
    expect((await Promise.all(logs)).join('\n')).not.toMatch(/ACCESS.REFUSED|event put aside/);
  });
});
