import { expect, test } from '@jest/globals';
import { eventTypes } from '@flash-sale/contract/events/schemas.ts';
import { anEvent } from '../testing/events.ts';
import { copyOf } from './event-copy.ts';

const objectsIn = (value: unknown): object[] =>
  typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(objectsIn)] : [];

test.each(eventTypes)('a copy of %s is equal, and shares nothing with it', (type) => {
  const event = anEvent(type);
  const copy = copyOf(event);
  expect(copy).toStrictEqual(event);
  const [theirs, ours] = [objectsIn(event), objectsIn(copy)];
  expect(ours.length).toBe(theirs.length);
  expect(ours.filter((one) => theirs.includes(one))).toEqual([]);
});

test('what is neither object nor list is itself; nothing is lost on the way', () => {
  for (const value of [undefined, null, 0, '', false]) expect(copyOf(value)).toBe(value);
  const plain = { list: [{ deep: [1, null, 'a'] }, []], nothing: null, missing: undefined };
  expect(copyOf(plain)).toStrictEqual(plain);
});
