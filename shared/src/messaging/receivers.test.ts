import { expect, test } from '@jest/globals';
import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import { anEvent } from '../testing/events.ts';
import { Receivers } from './receivers.ts';

const event = () => anEvent('stock.held') as DomainEvent;
const events = (count: number) => Array.from({ length: count }, event);

test('of the first try of what was not answered nobody can say that it is the event', () => {
  const receivers = new Receivers();
  receivers.handled('order', 100);
  expect(receivers.failed('order', event(), 'unreachable')).toBe('unreachable');
});

test('what fails while others get through fails by itself', () => {
  const receivers = new Receivers();
  const one = event();
  receivers.failed('order', one, 'unreachable');
  for (let n = 0; n < 10; n += 1) {
    receivers.handled('order', 10);
    expect(receivers.failed('order', one, 'unreachable')).toBe('transient');
  }
});

test('so do several, even where fewer get through than go on failing', () => {
  const receivers = new Receivers();
  const locked = events(4);
  const tryAll = () => locked.map((each) => receivers.failed('order', each, 'unreachable'));
  for (let n = 0; n < 4; n += 1) tryAll();
  for (let n = 0; n < 5; n += 1) {
    receivers.handled('order', 3);
    expect(tryAll()).toEqual(Array(4).fill('transient'));
  }
});

test('nothing gets through any more: the service is away, whatever it did before', () => {
  const receivers = new Receivers();
  receivers.handled('order', 100);
  const one = event();
  for (let n = 0; n < 5; n += 1) expect(receivers.failed('order', one, 'unreachable')).toBe('unreachable');
});

test('a service that gets something done now and then is no better: what is late there is late by its fault', () => {
  const receivers = new Receivers();
  const late = event();
  receivers.failed('order', late, 'unreachable');
  for (let n = 0; n < 10; n += 1) {
    for (const each of events(4)) receivers.failed('order', each, 'unreachable');
    receivers.handled('order');
    expect(receivers.failed('order', late, 'unreachable')).toBe('unreachable');
  }
});

test('what a service says of an event is believed, until it has said so of many and handled none', () => {
  const receivers = new Receivers();
  const seen = events(11).map((each) => receivers.failed('order', each, 'transient'));
  expect(seen).toEqual([...Array<string>(9).fill('transient'), 'unreachable', 'unreachable']);
  receivers.handled('order');
  expect(receivers.failed('order', event(), 'transient')).toBe('transient');
});

test('a few that fail alone, however often they are tried, are no outage', () => {
  const receivers = new Receivers();
  const few = events(3);
  for (let n = 0; n < 10; n += 1)
    for (const each of few) expect(receivers.failed('order', each, 'transient')).toBe('transient');
});

test('one service says nothing of another', () => {
  const receivers = new Receivers();
  const one = event();
  receivers.failed('order', one, 'unreachable');
  receivers.handled('inventory', 10);
  expect(receivers.failed('order', one, 'unreachable')).toBe('unreachable');
  receivers.handled('order', 10);
  expect(receivers.failed('inventory', one, 'unreachable')).toBe('unreachable');
  expect(receivers.failed('order', one, 'unreachable')).toBe('transient');
});
