import { expect, test } from '@jest/globals';
import { newId } from '../ids.ts';
import { Receivers } from './receivers.ts';

const beforeAll = -1;

test('one that fails while others get through fails by itself, and so do many', () => {
  const receivers = new Receivers();
  for (let n = 0; n < 10; n += 1) {
    expect(receivers.judge('order', newId(), 'transient')).toBe('transient');
    receivers.handled('order');
  }
});

test('when nothing gets through any more, however it looks, the service is away', () => {
  const receivers = new Receivers();
  receivers.handled('order');
  const seen = Array.from({ length: 5 }, () => receivers.judge('order', newId(), 'transient'));
  expect(seen).toEqual(['transient', 'transient', 'unreachable', 'unreachable', 'unreachable']);
  receivers.handled('order');
  expect(receivers.judge('order', newId(), 'transient')).toBe('transient');
});

test('one alone, however often it is tried, is no outage', () => {
  const receivers = new Receivers();
  const id = newId();
  const seen = Array.from({ length: 10 }, () => receivers.judge('order', id, 'transient'));
  expect(new Set(seen)).toEqual(new Set(['transient']));
});

test('one that cannot be brought though others could since its last try fails by itself', () => {
  const receivers = new Receivers();
  expect(receivers.judge('order', newId(), 'unreachable', beforeAll)).toBe('unreachable');
  receivers.handled('order');
  expect(receivers.judge('order', newId(), 'unreachable', beforeAll)).toBe('transient');
  // Of the first try, and of one that is younger than what got through, nobody can say so.
  expect(receivers.judge('order', newId(), 'unreachable')).toBe('unreachable');
  expect(receivers.judge('order', newId(), 'unreachable', performance.now() + 1_000)).toBe('unreachable');
});

test('one service says nothing of another', () => {
  const receivers = new Receivers();
  for (let n = 0; n < 5; n += 1) receivers.judge('order', newId(), 'transient');
  receivers.handled('inventory');
  expect(receivers.judge('order', newId(), 'transient')).toBe('unreachable');
  expect(receivers.judge('inventory', newId(), 'transient')).toBe('transient');
  expect(receivers.judge('order', newId(), 'unreachable', beforeAll)).toBe('unreachable');
});
