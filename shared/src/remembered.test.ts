import { expect, jest, test } from '@jest/globals';
import { remembered } from './remembered.ts';

test('answers as the function does, which is asked once for each text', () => {
  const lengthOf = jest.fn((text: string) => (text === '' ? undefined : text.length));
  const known = remembered(lengthOf);
  for (const text of ['a', 'bc', '', 'a', 'bc', '']) expect(known(text)).toBe(lengthOf(text));
  lengthOf.mockClear();
  for (const text of ['a', 'bc', '']) known(text);
  expect(lengthOf).not.toHaveBeenCalled();
});

test('keeps a bounded number of answers, whoever makes up new texts', () => {
  const workOut = jest.fn((text: string) => text);
  const known = remembered(workOut);
  for (let n = 0; n <= 10_000; n++) known(String(n));
  workOut.mockClear();
  expect(known('0')).toBe('0');
  expect(workOut).toHaveBeenCalledTimes(1);
});

test('keeps nothing of a long text', () => {
  const workOut = jest.fn((text: string) => text.length);
  const known = remembered(workOut);
  expect([known('x'.repeat(10_000)), known('x'.repeat(10_000))]).toEqual([10_000, 10_000]);
  expect(workOut).toHaveBeenCalledTimes(2);
});
