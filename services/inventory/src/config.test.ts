import { expect, test } from '@jest/globals';
import { maxHoldMs } from '@flash-sale/shared/config.ts';
import { configSchema } from './config.ts';

test('no hold can be told to last longer than open reservations are looked for', () => {
  const accepts = (ms: number) => configSchema.shape.HOLD_TTL_MS.safeParse(String(ms)).success;
  expect([maxHoldMs, maxHoldMs + 1].map(accepts)).toEqual([true, false]);
});
