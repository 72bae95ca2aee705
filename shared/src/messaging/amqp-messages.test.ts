import { describe, expect, test } from '@jest/globals';
import type { Message } from 'amqplib';
import fc from 'fast-check';
import { anEvent } from '../testing/events.ts';
import { shipmentsOf } from './amqp-batches.ts';
import {
  batchPublication,
  deadPublication,
  eventPublication,
  replayOf,
  retryCountOf,
  retryPublication,
  type Publication,
} from './amqp-messages.ts';
import { readEvent, readMessage } from './amqp-reading.ts';
import { contextOf, inContext } from './event-context.ts';

const now = new Date('2030-06-01T12:00:00.000Z');
const earlier = '2030-06-01T11:00:00.000Z';
const event = anEvent('stock.held');
const aMessage = (headers?: Record<string, unknown>): Message => {
  const { content, options } = eventPublication(event, 7);
  return { content, properties: { ...options, headers }, fields: {} } as unknown as Message;
};

const asCame = ({ exchange, routingKey, content, options }: Omit<Publication, 'events'>) =>
  ({ content, properties: options, fields: { exchange, routingKey } }) as unknown as Message;
const came = (fields: object) => ({ ...aMessage(), fields }) as unknown as Message;

describe('a message', () => {
  test('is read as the event that was published', () => {
    const { exchange, routingKey } = eventPublication(event, 7);
    expect(readEvent(came({ exchange, routingKey }), 'order')).toEqual(event);
    // After a wait, or given to its service again.
    expect(readEvent(came({ exchange: '', routingKey: 'order' }), 'order')).toEqual(event);
  });

  test.each([
    ['another event than its sender was allowed to publish', 'events', 'order.opened'],
    ['one that another service has put off', '', 'payment'],
    ['one that was put off, published as an event', 'events', 'order'],
  ])('is not read as %s', (_what, exchange, routingKey) => {
    expect(() => readEvent(came({ exchange, routingKey }), 'order')).toThrow(
      `came by the key ${routingKey} instead of`,
    );
  });

  test('that was put aside and is replayed is judged by the key by which it was published', () => {
    const replayed = (routingKey: string) => {
      const first = came({ exchange: 'events', routingKey });
      const dead = deadPublication(first, 'order', { reason: 'wrong' }, now);
      const lying = {
        content: dead.content,
        properties: dead.options,
        fields: { exchange: '', routingKey: 'order.dead' },
      };
      const { content, options } = replayOf(lying as unknown as Message);
      return { content, properties: options, fields: { exchange: '', routingKey: 'order' } } as unknown as Message;
    };
    expect(readEvent(replayed('stock.held'), 'order')).toEqual(event);
    expect(() => readEvent(replayed('order.opened'), 'order')).toThrow('came by the key order.opened instead of');
    // However often that goes on.
    const again = deadPublication(replayed('order.opened'), 'order', { reason: 'wrong' }, now);
    expect(again.options.headers).toMatchObject({ 'x-first-key': 'order.opened' });
  });

  test.each([
    [undefined, 0],
    [3, 3],
    [-1, 0],
    [1.5, 0],
    ['3', 0],
    [Infinity, 0],
  ])('with x-retry-count %p has come back %d times', (header, count) => {
    expect(retryCountOf(aMessage({ 'x-retry-count': header }))).toBe(count);
    expect(retryCountOf(aMessage())).toBe(0);
  });
});

describe('a batch', () => {
  const other = anEvent('stock.released');
  const cameIn = (content: unknown, fields: object = { exchange: 'batches', routingKey: 'stock.order' }) => {
    const options = { messageId: event.id, type: 'batch', contentType: 'application/json', timestamp: 7 };
    return { content: Buffer.from(JSON.stringify(content)), properties: options, fields } as unknown as Message;
  };

  test('is read as the events that were published', () => {
    const { exchange, routingKey, content, options } = batchPublication(
      {
        subject: 'stock',
        service: 'order',
        events: [event, other].map((one) => JSON.stringify(one)),
        firstId: event.id,
      },
      7,
    );
    const message = { content, properties: options, fields: { exchange, routingKey } } as unknown as Message;
    const { isBatch, carried } = readMessage(message, 'order');
    expect([isBatch, carried.map((one) => one.event)]).toEqual([true, [event, other]]);
  });

  test('is told from an event by itself', () => {
    const { exchange, routingKey } = eventPublication(event, 7);
    const { isBatch, carried } = readMessage(came({ exchange, routingKey }), 'order');
    expect([isBatch, carried.map((one) => one.event)]).toEqual([false, [event]]);
    expect(readMessage({ ...aMessage(), content: Buffer.from('{') }, 'order').isBatch).toBe(false);
  });

  test('keeps what travels beside each of its events, to the retry queue, among the dead letters and back', () => {
    const context = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };
    const events = [event, inContext(anEvent('stock.released'), context)];
    const bounds = { maxEvents: 256, maxBytes: 1_000_000, takesBatches: () => true };
    const [shipment] = shipmentsOf(events, () => ['order'], bounds, 7);
    const batch = asCame(shipment!.publication);
    const { carried } = readMessage(batch, 'order');
    expect(carried.map((one) => contextOf(one.event!))).toEqual([undefined, context]);
    const alone = carried[1]!.alone();
    const dead = asCame(deadPublication(alone, 'order', { reason: 'wrong' }, now));
    const replayed = asCame({ exchange: '', routingKey: 'order', ...replayOf(dead) });
    for (const message of [alone, asCame(retryPublication(alone, 'order', now)), dead, replayed]) {
      const [one] = readMessage(message, 'order').carried;
      expect(contextOf(one!.event!)).toEqual(context);
    }
    expect(readMessage(carried[0]!.alone(), 'order').carried.map((one) => contextOf(one.event!))).toEqual([undefined]);
  });

  test.each([
    ['no list', '7'],
    ['no JSON', '{'],
    ['too few', '[]'],
    ['too many', '[null,null,null]'],
    ['of another kind', '[{"traceparent":"00-zz"},7]'],
    ['too long', `[${' '.repeat(64 * 1024)}null,null]`],
    ['no text', 7],
  ])('is read without what travels beside it, where that is %s', (_, contexts) => {
    const message = cameIn([event, other]);
    message.properties.headers = { 'x-contexts': contexts };
    const { carried } = readMessage(message, 'order');
    expect(carried.map((one) => [one.event, contextOf(one.event!)])).toEqual([
      [event, undefined],
      [other, undefined],
    ]);
  });

  test('has each of its events go on by itself as its sender would have published it', () => {
    const { carried } = readMessage(cameIn([event, other]), 'order');
    const alone = carried[1]!.alone();
    expect(readEvent(alone, 'order')).toEqual(other);
    const { exchange, routingKey, content, options } = eventPublication(other, 7);
    expect([alone.fields, alone.content]).toMatchObject([{ exchange, routingKey }, content]);
    const dead = deadPublication(alone, 'order', { reason: 'wrong' }, now);
    expect(dead.options).toMatchObject({
      messageId: options.messageId,
      type: other.type,
      timestamp: 7,
      headers: { 'x-first-key': other.type, 'x-original-type': other.type },
    });
  });

  test.each([
    ['an event of another service', anEvent('payment.captured'), 'stock.order'],
    ['an event for another service', event, 'stock.payment'],
    ['an event of an exchange for single ones', event, 'order'],
  ])('with %s is read but for that, which keeps the key that betrays it', (_what, foreign, routingKey) => {
    const { carried } = readMessage(cameIn([foreign], { exchange: 'batches', routingKey }), 'order');
    expect(carried).toMatchObject([{ event: undefined, unreadable: expect.stringMatching(/came by the key/) }]);
    const dead = deadPublication(carried[0]!.alone(), 'order', { reason: 'wrong' }, now);
    expect(dead.options.headers).toMatchObject({ 'x-first-key': routingKey });
    // Also when somebody replays it.
    const { content, options } = replayOf({
      content: dead.content,
      properties: dead.options,
      fields: { exchange: '', routingKey: 'order.dead' },
    } as unknown as Message);
    const again = { content, properties: options, fields: { exchange: '', routingKey: 'order' } } as unknown as Message;
    expect(() => readEvent(again, 'order')).toThrow('came by the key');
  });

  test.each([['hello'], [null], [7], [[event]], [{ ...event, version: 2 }], [{}]])(
    'with %j is read but for that',
    (broken) => {
      const { carried } = readMessage(cameIn([event, broken]), 'order');
      expect(carried.map((one) => one.event)).toEqual([event, undefined]);
      const alone = carried[1]!.alone();
      expect(JSON.parse(alone.content.toString())).toEqual(broken);
      expect(deadPublication(alone, 'order', { reason: 'wrong' }, now).exchange).toBe('services.dead-letters');
    },
  );

  test('of nothing carries nothing', () => {
    expect(readMessage(cameIn([]), 'order')).toEqual({ isBatch: true, carried: [] });
  });
});

describe('to come again', () => {
  test.each([
    [0, 'services.retry.1s'],
    [1, 'services.retry.5s'],
    [2, 'services.retry.30s'],
    [3, 'services.retry.30s'],
    [48, 'services.retry.30s'],
  ])('after %d times it waits in %s', (count, exchange) => {
    const { options, ...where } = retryPublication(aMessage({ 'x-retry-count': count }), 'order', now);
    expect(where).toMatchObject({ exchange, routingKey: 'order', content: aMessage().content });
    expect(options.headers).toMatchObject({ 'x-retry-count': count + 1 });
  });

  test('it keeps its id, its type and the time of its first failure, and nobody else’s headers', () => {
    const headers = { 'x-first-failure': earlier, 'x-death': [{}] };
    expect(retryPublication(aMessage(headers), 'order', now).options).toEqual({
      messageId: event.id,
      type: event.type,
      contentType: 'application/json',
      timestamp: 7,
      persistent: true,
      mandatory: true,
      headers: { 'x-retry-count': 1, 'x-first-failure': earlier },
    });
    expect(retryPublication(aMessage(), 'order', now).options.headers).toEqual({
      'x-retry-count': 1,
      'x-first-failure': now.toISOString(),
    });
  });
});

describe('to be put aside', () => {
  test('it says why, within bounds', () => {
    const complaint = { reason: 'r'.repeat(10_000), stack: 's'.repeat(10_000) };
    const { exchange, routingKey, options } = deadPublication(
      aMessage({ 'x-retry-count': 3 }),
      'order',
      complaint,
      now,
    );
    expect([exchange, routingKey]).toEqual(['services.dead-letters', 'order']);
    expect(options.messageId).toBe(event.id);
    expect(options.headers).toEqual({
      'x-reason': 'r'.repeat(500),
      'x-stack': 's'.repeat(4_000),
      'x-first-failure': now.toISOString(),
      'x-retry-count': 3,
      'x-original-type': 'stock.held',
      'x-service': 'order',
    });
  });

  test('a message without any properties is put aside, too', () => {
    const bare = { content: Buffer.from('{'), properties: {}, fields: {} } as unknown as Message;
    const { options } = deadPublication(bare, 'order', { reason: 'no' }, now);
    expect(options).toMatchObject({ messageId: '', type: '', contentType: 'application/octet-stream' });
    expect(options.headers).not.toHaveProperty('x-stack');
  });
});

describe('whatever others send', () => {
  /** Of AMQP: short strings have 255 bytes at most, times are whole and not negative, and amqplib has 64 KiB for all headers. */
  const canBeWritten = ({ options, routingKey = '' }: Partial<Publication> & Pick<Publication, 'options'>) => {
    const { messageId, type, contentType, timestamp } = options;
    const headers = options.headers as object;
    const names = Object.keys(headers);
    for (const text of [routingKey, messageId, type, contentType, ...names]) {
      expect(Buffer.byteLength(text!)).toBeLessThanOrEqual(255);
      // Otherwise it does not come back as it went out, when the broker has no queue for it.
      expect(text!.isWellFormed()).toBe(true);
    }
    if (timestamp !== undefined) expect(() => Buffer.alloc(8).writeBigUInt64BE(BigInt(timestamp))).not.toThrow();
    expect(Buffer.byteLength(JSON.stringify(headers))).toBeLessThan(32_768);
  };
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.constantFrom(
      'x'.repeat(255),
      'x'.repeat(256),
      'ä'.repeat(128),
      '\ufffd'.repeat(255),
      '\ud800',
      'x'.repeat(100_000),
    ),
  );
  const value = fc.oneof(text, fc.double(), fc.maxSafeInteger(), fc.constantFrom(2 ** 64, -1, null), fc.jsonValue());
  const onTheirWay = (message: Message) => [
    retryPublication(message, 'order', now),
    deadPublication(message, 'order', { reason: 'r', stack: 's' }, now),
    replayOf(message),
  ];

  test('with a message can be sent on', () => {
    const names = ['x-retry-count', 'x-first-failure', 'x-first-key', 'x-original-type', 'x-reason'] as const;
    const headers = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
    const properties = fc.record(
      { messageId: value, type: value, contentType: value, timestamp: value, headers },
      { requiredKeys: [] },
    );
    const fields = fc.record({
      exchange: fc.constantFrom('events', 'batches', ''),
      routingKey: fc.string({ unit: 'binary', maxLength: 255 }),
    });
    fc.assert(
      fc.property(properties, fields, (properties, fields) => {
        const message = { ...aMessage(), properties, fields } as unknown as Message;
        onTheirWay(message).forEach(canBeWritten);
      }),
    );
  });

  test('in a batch can be sent on by itself', () => {
    const claimed = fc.record(
      {
        id: value,
        type: fc.oneof(
          value,
          text.map((rest) => `stock.${rest}`),
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(claimed, (claimed) => {
        const content = Buffer.from(JSON.stringify([claimed]));
        const batch = { ...came({ exchange: 'batches', routingKey: 'stock.order' }), content };
        const alone = readMessage(batch, 'order').carried[0]!.alone();
        onTheirWay(alone).forEach(canBeWritten);
        expect(alone.content.toString()).toBe(JSON.stringify(claimed));
      }),
    );
  });

  test.each([
    ['an id', { id: 'i'.repeat(256) }],
    ['an id of few characters and many bytes', { id: 'ä'.repeat(128) }],
    ['a type', { type: `stock.${'t'.repeat(250)}` }],
  ])('%s that is too long is not named, and what it stands in keeps it', (_what, claimed) => {
    const broken = { ...event, ...claimed };
    const content = Buffer.from(JSON.stringify([broken]));
    const batch = { ...came({ exchange: 'batches', routingKey: 'stock.order' }), content };
    const [one] = readMessage(batch, 'order').carried;
    expect(one!.event).toBeUndefined();
    const { properties, content: kept } = one!.alone();
    expect(properties).toMatchObject(
      'id' in claimed ? { messageId: '', type: event.type } : { messageId: event.id, type: '' },
    );
    expect(JSON.parse(kept.toString())).toEqual(broken);
  });

  test('as its first key, however long, does not keep it from being judged by it', () => {
    const replayed = {
      ...aMessage({ 'x-first-key': 'k'.repeat(1_000) }),
      fields: { exchange: '', routingKey: 'order' },
    } as unknown as Message;
    expect(() => readEvent(replayed, 'order')).toThrow('came by the key k');
  });
});
