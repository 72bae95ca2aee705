import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { ConsumeMessage } from 'amqplib';
import { anEvent } from '../testing/events.ts';
import { eventually } from '../testing/eventually.ts';
import { FakeService } from '../testing/fake-service.ts';
import { MessageHandler, type MessageHandlerOptions } from './amqp-handler.ts';
import { eventPublication, type Publication } from './amqp-messages.ts';
import type { Outcome } from './amqp-publisher.ts';

const holdMs = 200;
const log = { warn: () => undefined, error: () => undefined };
const isWanted = () => true;

const aMessage = (event = anEvent('stock.held')) => {
  const { exchange, routingKey, content, options } = eventPublication(event, 7);
  return { content, properties: options, fields: { exchange, routingKey } } as unknown as ConsumeMessage;
};

/** A service, and what became of the messages that it was brought. */
function aHandler(options: Partial<MessageHandlerOptions> = {}) {
  const order = new FakeService('order');
  const published: Publication[] = [];
  const publish = (publication: Publication, onOutcome: (outcome: Outcome) => void) => {
    published.push(publication);
    onOutcome('confirmed');
  };
  const rest = { retriesBeforeError: 50, maxEvents: 1, holdMs, log };
  const handler = new MessageHandler({ intake: order, publisher: { publish }, ...rest, ...options });
  return { order, published, handler };
}

/** The times of day are told by hand, and pass while somebody sleeps. */
let nowMs = 0;
beforeEach(() => {
  nowMs = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => void jest.restoreAllMocks());

test('what has waited for room as long as an event is held is tried once and then moves on', async () => {
  const { order, published, handler } = aHandler();
  order.failureOf = () => {
    nowMs += holdMs / 2;
    return 'unreachable';
  };
  const messages = Array.from({ length: 10 }, () => aMessage());
  const settled = await Promise.all(messages.map((message) => handler.handle(message, isWanted)));

  expect(settled).toEqual(messages.map(() => true));
  // The first was held; all others had been waiting for its place meanwhile.
  const tries = messages.map(({ properties }) => order.received.filter(({ id }) => id === properties.messageId).length);
  expect(tries).toEqual([2, ...Array<number>(9).fill(1)]);
  expect(published.map(({ exchange }) => exchange)).toEqual(messages.map(() => 'services.retry.1s'));
});

test('what had to wait for room, and not so long, is held for the rest of its time', async () => {
  const { order, published, handler } = aHandler();
  const messages = [aMessage(), aMessage()];
  order.failureOf = ({ id }) => {
    nowMs += holdMs / 4;
    return id === messages[0]!.properties.messageId ? undefined : 'unreachable';
  };
  await Promise.all(messages.map((message) => handler.handle(message, isWanted)));
  // A quarter went by with the first one, and each of the others with a try.
  expect(order.received).toHaveLength(1 + 3);
  expect(published).toHaveLength(1);
});

test('what was not wanted any more when there was room is not handled', async () => {
  const { order, published, handler } = aHandler();
  const gate = Promise.withResolvers<void>();
  order.barrier = gate.promise;
  let wanted = true;
  const settled = [aMessage(), aMessage()].map((message) => handler.handle(message, () => wanted));
  await eventually(() => expect(order.received).toHaveLength(1));
  wanted = false;
  gate.resolve();
  expect(await Promise.all(settled)).toEqual([true, false]);
  expect([order.received.length, published]).toEqual([1, []]);
});
