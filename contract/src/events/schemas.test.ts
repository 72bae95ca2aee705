import { describe, expect, test } from '@jest/globals';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import { eventTypes, parseEvent } from './schemas.ts';
import { subscribersOf, subscriptions } from './subscriptions.ts';
import { serviceNames } from '../services.ts';

describe('every event', () => {
  test.each(eventTypes)('%s is handled by somebody', (type) => {
    expect(subscribersOf(type).length).toBeGreaterThan(0);
  });

  test.each(eventTypes)('%s survives the journey', (type) => {
    const event = anEvent(type);
    expect(parseEvent(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });

  test.each(eventTypes)('%s is named noun.past-participle', (type) => {
    expect(type).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*$/);
  });

  test.each(eventTypes)('%s is refused with a field more, with one less, and with one of another kind', (type) => {
    const { data, ...event } = anEvent(type);
    const refused = (changed: unknown) => expect(() => parseEvent({ ...event, data: changed })).toThrow();
    refused({ ...data, extra: 1 });
    refused(undefined);
    for (const field of Object.keys(data)) {
      refused(Object.fromEntries(Object.entries(data).filter(([name]) => name !== field)));
      refused({ ...data, [field]: { not: 'expected' } });
    }
  });
});

test('half a character, and a zero byte, of an older release become something that can be stored', () => {
  const held = anEvent('stock.held');
  held.data.items[0]!.name = 'half \ud83d and \0';
  expect(parseEvent(JSON.parse(JSON.stringify(held)))).toMatchObject({
    data: { items: [{ name: 'half \ufffd and \ufffd' }] },
  });
  const declined = anEvent('payment.declined', { reason: '\udca1' });
  expect(parseEvent(declined)).toMatchObject({ data: { reason: '\ufffd' } });
});

describe('the envelope', () => {
  const event = anEvent('stock.held');
  test.each([
    ['no id', { id: undefined }],
    ['an id that is none', { id: '1' }],
    ['an unknown type', { type: 'stock.vanished' }],
    ['a type out of the prototype', { type: 'constructor' }],
    ['no type', { type: undefined }],
    ['another version', { version: 2 }],
    ['a time that is none', { occurredAt: 'now' }],
    ['a field more', { sender: 'me' }],
    ['the data of another event', { type: 'order.opened' }],
  ])('is refused with %s', (_what, change) => {
    expect(() => parseEvent({ ...event, ...change })).toThrow();
  });

  test.each([null, undefined, 'stock.held', 7, [], [event]])('%j is no event', (input) => {
    expect(() => parseEvent(input)).toThrow();
  });
});

describe('bounds', () => {
  const line = { productId: newId(), quantity: 1 };
  test.each([
    ['no units', { items: [{ ...line, quantity: 0 }] }],
    ['less than none', { items: [{ ...line, quantity: -1 }] }],
    ['half a unit', { items: [{ ...line, quantity: 0.5 }] }],
    ['more than can be counted', { items: [{ ...line, quantity: 1e300 }] }],
    ['no lines', { items: [] }],
    ['too many lines', { items: Array(51).fill(line) }],
  ])('a request of %s is refused', (_what, data) => {
    expect(() => parseEvent(anEvent('reservation.requested', data))).toThrow();
  });

  test('a negative amount is refused', () => {
    expect(() => parseEvent(anEvent('payment.captured', { amountCents: -1 }))).toThrow();
  });
});

describe('subscriptions', () => {
  test('each service names an event once, and subscribersOf says the same', () => {
    for (const service of serviceNames) {
      const types: readonly string[] = subscriptions[service];
      expect(new Set(types).size).toBe(types.length);
      expect(eventTypes.filter((type) => subscribersOf(type).includes(service)).sort()).toEqual([...types].sort());
    }
  });
});
