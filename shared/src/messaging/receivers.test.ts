import { expect, test } from '@jest/globals';
import type { DomainEvent } from '../events/schemas.ts';
import { anEvent } from '../testing/events.ts';
import { Receivers } from './receivers.ts';

const event = () => anEvent('stock.held') as DomainEvent;

test('of its first try nobody can say that it is the event', () => {
  const receivers = new Receivers();
  receivers.handled('order', 100);
  expect(receivers.failed('order', event())).toBe('unreachable');
});

test('what fails while others get through fails by itself, and so do several', () => {
  const receivers = new Receivers();
  const failing = [event(), event(), event()];
  for (const each of failing) receivers.failed('order', each);
  for (let n = 0; n < 10; n += 1) {
    receivers.handled('order', 10);
    expect(failing.map((each) => receivers.failed('order', each))).toEqual(Array(3).fill('transient'));
  }
});

test('nothing gets through any more: the service is away, whatever it did before', () => {
  const receivers = new Receivers();
  receivers.handled('order', 100);
  const one = event();
  for (let n = 0; n < 5; n += 1) expect(receivers.failed('order', one)).toBe('unreachable');
});

test('a service that gets nothing done but now and then is no better: what is late there is late by its fault', () => {
  const receivers = new Receivers();
  const late = [event(), event(), event()];
  for (let n = 0; n < 10; n += 1) {
    for (const each of late) expect(receivers.failed('order', each)).toBe('unreachable');
    receivers.handled('order');
  }
});

test('one service says nothing of another', () => {
  const receivers = new Receivers();
  const one = event();
  receivers.failed('order', one);
  receivers.handled('inventory', 10);
  expect(receivers.failed('order', one)).toBe('unreachable');
  receivers.handled('order', 10);
  expect(receivers.failed('inventory', one)).toBe('unreachable');
  expect(receivers.failed('order', one)).toBe('transient');
});
