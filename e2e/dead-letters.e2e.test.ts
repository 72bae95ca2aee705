import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  connect,
  type ChannelModel,
  type ConfirmChannel,
  type ConsumeMessage,
  type Message,
  type Options,
} from 'amqplib';
import { copyOf } from '@flash-sale/shared/messaging/amqp-messages.ts';
import { readMessage } from '@flash-sale/shared/messaging/amqp-reading.ts';
import {
  batchesExchange,
  batchKey,
  batchQueueOf,
  deadLettersExchange,
  deadQueueOf,
} from '@flash-sale/shared/messaging/amqp-topology.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { liftedBounds } from '../test-kit/stack/load-settings.ts';
import { runAudit } from '../infra/audit/audit.ts';
import type { Stack } from '../infra/launcher/stack-types.ts';
import { runCommand } from '../infra/launcher/run-command.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { booksAtRest } from '../test-kit/stack/books.ts';
import { duringASale } from '../test-kit/stack/during-a-sale.ts';
import { until } from '../test-kit/until.ts';
import type { Sale } from '../test-kit/stack/sale.ts';
import type { Product, Shopper } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

jest.setTimeout(240_000);

const sellers = 8;
const options = { demo: { shoppers: sellers + 2 }, env: liftedBounds };
const instances = ['order-1', 'order-2'];

/** Of the right form, and yet nothing that the order service could ever handle. */
const undigestible = anEvent('reservation.requested');
const bad = [
  { messageId: 'no-json', type: 'stock.held', content: '{"id": ', reason: /not readable: .*JSON/ },
  {
    messageId: 'unknown-type',
    type: 'stock.vanished',
    content: JSON.stringify({ ...anEvent('stock.held'), type: 'stock.vanished' }),
    reason: /not readable: .*type/,
  },
  {
    messageId: 'newer-version',
    type: 'stock.held',
    content: JSON.stringify({ ...anEvent('stock.held'), version: 2 }),
    reason: /not readable: .*version/,
  },
  {
    messageId: undigestible.id,
    type: 'reservation.requested',
    content: JSON.stringify(undigestible),
    reason: /order does not handle reservation.requested/,
    stack: /\n\s+at /,
  },
];

onEachStack(
  'dead letters',
  options,
  (theShop) => {
    let stack: Stack;
    let sale: Sale;
    let shopper: Shopper;
    let product: Product;
    let model: ChannelModel;
    let channel: ConfirmChannel;
    /** Every event of the sale that goes to the order service, as if it had come by itself. */
    const seen: Message[] = [];

    const theScene = duringASale(theShop, { sellers, stocks: [100_000, 100_000], pauseMs: 250 });
    beforeAll(async () => {
      ({ stack, sale, shopper, product } = theScene());
      model = await connect(stack.amqpAdminUrl!);
      model.on('error', () => {});
      channel = await model.createConfirmChannel();
      const { queue } = await channel.assertQueue('', { exclusive: true });
      await channel.bindQueue(queue, batchesExchange, batchKey('*', 'order'));
      const onBatch = (message: ConsumeMessage | null) =>
        void (message && seen.push(...readMessage(message, 'order').carried.map(({ alone }) => alone())));
      await channel.consume(queue, onBatch, { noAck: true });
      await sale.goesOn();
    });
    afterAll(() => model?.close().catch(() => {})); // the broker has been stopped with its stack

    /** As somebody at a terminal runs it. */
    const dlq = (...args: string[]) =>
      runCommand(process.execPath, [join(import.meta.dirname, '../infra/dlq.mjs'), ...args], {
        env: { ...process.env, FLASH_SALE_DATA_DIR: stack.dataDir },
      });
    const countOf = async (queue: string) => (await channel.checkQueue(queue)).messageCount;
    const untilDead = (count: number) =>
      until(`${count} dead letters`, async () => (await countOf(deadQueueOf('order'))) === count);
    async function put(exchange: string, messages: { content: Buffer; options: Options.Publish }[]): Promise<void> {
      for (const { content, options } of messages) channel.publish(exchange, 'order', content, options);
      await channel.waitForConfirms();
    }
    async function logLines(): Promise<Record<string, unknown>[]> {
      const files = instances.map((name) => readFile(join(stack.dataDir, 'logs', `${name}.log`), 'utf8'));
      const lines = (await Promise.all(files)).join('\n').split('\n');
      return lines.filter((line) => /^\{.*\}$/.test(line)).map((line) => JSON.parse(line) as Record<string, unknown>);
    }

    test('what cannot be handled is put aside amid a sale, which notices nothing', async () => {
      const beganAt = new Date().toISOString();
      const repeats = seen.filter(({ fields }) => fields.routingKey === 'stock.held').slice(0, bad.length);
      expect(repeats.length).toBe(bad.length);
      const messages = bad.flatMap(({ messageId, type, content }, n) => [
        { content: Buffer.from(content), options: { messageId, type, persistent: true } },
        copyOf(repeats[n]!, {}),
      ]);
      await put('', messages);
      await untilDead(bad.length);
      await shopper.aPurchase(product);
      await sale.goesOn();

      const listed = await dlq('list');
      expect(listed.code).toBe(0);
      expect(listed.output.split('\n').length).toBe(bad.length);
      for (const { messageId, type, reason, stack: thrownAt } of bad) {
        const { output: shown } = await dlq('show', '--id', messageId);
        expect(shown).toContain(`${type} ${messageId} for order`);
        expect(shown).toMatch(reason);
        expect(/first failed\s+(\S+),/.exec(shown)![1]! > beganAt).toBe(true);
        if (thrownAt) expect(shown).toMatch(thrownAt);
      }
    });

    test('a line in the log tells of each, and how many there were', async () => {
      const putAside = async () => (await logLines()).filter(({ msg }) => msg === 'event put aside');
      await until('a line of each', async () => (await putAside()).length >= bad.length);
      const lines = await putAside();
      expect(lines.map(({ eventId }) => eventId).sort()).toEqual(bad.map(({ messageId }) => messageId).sort());
      for (const { eventId, reason, level } of lines) {
        expect(reason).toMatch(bad.find(({ messageId }) => messageId === eventId)!.reason);
        expect(level).toBe(50);
      }
      // Each process counts its own, and its last line has the sum.
      const last = new Map(lines.map(({ instance, deadLetters }) => [instance, deadLetters as Record<string, number>]));
      const sum = (cause: string) => [...last.values()].reduce((all, counts) => all + counts[cause]!, 0);
      expect([sum('unreadable'), sum('unhandleable')]).toEqual([3, 1]);
    });

    test('the audit fails for them', async () => {
      expect(await runAudit({ stack })).toMatchObject({
        verdict: 'failed',
        found: [expect.stringContaining(`dead letters of order: ${bad.length}`)],
      });
    });

    test('a replay brings back what still cannot be handled, and repeats nothing that was handled', async () => {
      await sale.close();
      const books = await booksAtRest(stack);
      // Given: what was handled long ago lies among the dead letters, too.
      const types = ['stock.held', 'payment.captured', 'stock.committed'];
      const handled = types.map((type) => seen.findLast(({ fields }) => fields.routingKey === type)!);
      await put(
        deadLettersExchange,
        handled.map((message) => copyOf(message, {})),
      );
      await untilDead(bad.length + handled.length);

      const one = await dlq('replay', '--id', handled[0]!.properties.messageId as string);
      expect(one).toMatchObject({ code: 0, output: '1 given to their services again' });
      await untilDead(bad.length + handled.length - 1);
      const all = await dlq('replay', '--service', 'order');
      expect(all.output).toBe(`${bad.length + handled.length - 1} given to their services again`);
      await untilDead(bad.length);

      // What they were brought is settled, or back in the queue, when both have stopped.
      await Promise.all(instances.map((name) => stack.stopProcess(name)));
      const queues = ['order', batchQueueOf('order'), deadQueueOf('order')];
      expect(await Promise.all(queues.map(countOf))).toEqual([0, 0, bad.length]);
      await Promise.all(instances.map((name) => stack.startProcess(name)));
      expect(await booksAtRest(stack)).toEqual(books);
    });

    test('they are gone when they are dropped, and the audit passes', async () => {
      expect((await dlq('drop', '--service', 'order')).code).toBe(2);
      expect(await dlq('drop', '--id', 'no-json')).toMatchObject({ code: 0, output: '1 dropped' });
      expect((await dlq('drop', '--all')).output).toBe(`${bad.length - 1} dropped`);
      expect(await dlq('list')).toMatchObject({ code: 0, output: 'There is nothing.' });
      await expectAuditClean(stack);
    });
  },
  ['async'],
);
