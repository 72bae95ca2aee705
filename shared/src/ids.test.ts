import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { firstIdOf, isId, isOlderThan, mintedAtMs, newId, orderIds } from './ids.ts';

const secret = 'a secret of the tests that is long enough';
const ids = orderIds(secret);
const shopper = newId();

describe('ids', () => {
  test('are UUIDs of version 7 that sort by time', () => {
    const many = Array.from({ length: 2_000 }, newId);
    expect(many.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
      true,
    );
    expect(many.toSorted()).toEqual(many);
    expect(new Set(many).size).toBe(2_000);
  });
});

describe('order ids', () => {
  test('are UUIDs of version 7 like all others, unique, made now', () => {
    const before = Date.now();
    const many = Array.from({ length: 20_000 }, () => ids.mint(shopper));
    expect(new Set(many).size).toBe(20_000);
    expect(many.every((id) => isId(id) && id[14] === '7')).toBe(true);
    const madeAt = parseInt(many[0]!.replaceAll('-', '').slice(0, 12), 16);
    expect(madeAt).toBeGreaterThanOrEqual(before);
    expect(madeAt).toBeLessThanOrEqual(Date.now() + 1);
  });

  test('are recognised, in small letters or capitals, for the shopper they were made for', () => {
    const id = ids.mint(shopper);
    expect(ids.isMinted(id, shopper)).toBe(true);
    expect(ids.isMinted(id.toUpperCase(), shopper)).toBe(true);
    expect(orderIds(secret).isMinted(id, shopper)).toBe(true);
  });

  test('are nothing to another shopper', () => {
    expect(ids.isMinted(ids.mint(shopper), newId())).toBe(false);
    expect(ids.isMinted(ids.mint(shopper), '')).toBe(false);
  });

  test('are nothing under another secret', () => {
    expect(orderIds(`${secret}!`).isMinted(ids.mint(shopper), shopper)).toBe(false);
  });

  test('cannot be made up, nor be changed in any digit', () => {
    expect(ids.isMinted(newId(), shopper)).toBe(false);
    const id = ids.mint(shopper);
    fc.assert(
      fc.property(fc.nat(35), fc.constantFrom(...'0123456789abcdef'), (at, digit) => {
        fc.pre(id[at] !== '-' && id[at] !== digit);
        expect(ids.isMinted(id.slice(0, at) + digit + id.slice(at + 1), shopper)).toBe(false);
      }),
    );
  });

  test.each(['', 'nonsense', '0', '00000000-0000-0000-0000-000000000000', `${newId()}0`])('%j is none', (id) => {
    expect(ids.isMinted(id, shopper)).toBe(false);
  });
});

test('an id tells its age, and every id made before a time sorts below the first of that time', () => {
  const id = newId();
  const madeAt = new Date(mintedAtMs(id));
  expect(isOlderThan(id, 1_000, new Date(madeAt.getTime() + 1_000))).toBe(false);
  expect(isOlderThan(id, 1_000, new Date(madeAt.getTime() + 1_001))).toBe(true);
  expect(firstIdOf(madeAt) <= id).toBe(true);
  expect(firstIdOf(new Date(madeAt.getTime() + 1)) > id).toBe(true);
  expect(isId(firstIdOf(new Date(0)))).toBe(true);
});
