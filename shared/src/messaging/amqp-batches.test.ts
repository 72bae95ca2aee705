import { expect, test } from '@jest/globals';
import { subscribersOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { DomainEvent, EventType } from '@flash-sale/contract/events/schemas.ts';
import { anEvent } from '../testing/events.ts';
import { shipmentsOf, type BatchOptions } from './amqp-batches.ts';

const nowS = 7;
const usual: BatchOptions = { maxEvents: 256, maxBytes: 100_000, takesBatches: () => true };
const toAll = ({ type }: DomainEvent) => subscribersOf(type);
const ship = (events: DomainEvent[], options: Partial<BatchOptions> = {}, servicesOf = toAll) =>
  shipmentsOf(events, servicesOf, { ...usual, ...options }, nowS);
const several = (count: number, type: EventType = 'stock.commit-refused') =>
  Array.from({ length: count }, () => anEvent(type));
const inShort = (shipments: ReturnType<typeof ship>) =>
  shipments.map(({ publication, events, services }) => [publication.routingKey, events.length, services]);

test('each service is sent its events in one message, in their order', () => {
  const [held, refused, heldToo] = [anEvent('stock.held'), anEvent('stock.commit-refused'), anEvent('stock.held')];
  const shipments = ship([held, refused, heldToo]);
  expect(shipments.map(({ publication, events }) => [publication.routingKey, events])).toEqual([
    ['stock.reservation', [held, heldToo]],
    ['stock.order', [held, refused, heldToo]],
  ]);
  for (const { publication, events } of shipments) {
    expect(JSON.parse(publication.content.toString())).toEqual(events);
    expect(publication).toMatchObject({
      exchange: 'batches',
      events: events.length,
      options: { messageId: held.id, timestamp: nowS, persistent: true, mandatory: true },
    });
  }
});

test('what nobody handles is not sent', () => {
  expect(ship([anEvent('stock.held')], {}, () => [])).toEqual([]);
});

test('a batch has no more events, and no more bytes, than it may', () => {
  expect(inShort(ship(several(5), { maxEvents: 2 }))).toEqual([
    ['stock.order', 2, ['order']],
    ['stock.order', 2, ['order']],
    ['stock.order', 1, ['order']],
  ]);
  const events = several(5);
  const bytesOfTwo = JSON.stringify(events.slice(0, 2)).length;
  const shipments = ship(events, { maxBytes: bytesOfTwo });
  expect(shipments.map((one) => one.events.length)).toEqual([2, 2, 1]);
  for (const { publication } of shipments) expect(publication.content.length).toBeLessThanOrEqual(bytesOfTwo);
});

test('an event that is too large for a batch goes by itself, as all do where there are to be none', () => {
  const [small, large] = several(2);
  const data = { ...large!.data, more: 'ü'.repeat(500) };
  const shipments = ship([small!, { ...large!, data } as DomainEvent], { maxBytes: 1_000 });
  expect(shipments.map(({ publication, events }) => [publication.exchange, events.length])).toEqual([
    ['events', 1],
    ['batches', 1],
  ]);
  expect(inShort(ship(several(2), { maxEvents: 0 }))).toEqual([
    ['stock.commit-refused', 1, ['order']],
    ['stock.commit-refused', 1, ['order']],
  ]);
});

test('an event goes by itself to all who handle it as long as one of them takes no batches', () => {
  const events = [anEvent('stock.held'), anEvent('stock.commit-refused')];
  expect(inShort(ship(events, { takesBatches: (service) => service !== 'reservation' }))).toEqual([
    ['stock.held', 1, ['reservation', 'order']],
    ['stock.order', 1, ['order']],
  ]);
});

test('what some have got already is sent to the others', () => {
  const [held, released] = [anEvent('stock.held'), anEvent('stock.released')];
  expect(inShort(ship([held, released], {}, ({ id }) => (id === held.id ? ['order'] : [])))).toEqual([
    ['stock.order', 1, ['order']],
  ]);
});
