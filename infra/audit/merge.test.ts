import { describe, expect, test } from '@jest/globals';
import { merge } from './merge.ts';

async function* stream(...keys: string[]) {
  for (const key of keys) yield await Promise.resolve({ key });
}
async function merged(left: string[], right: string[]) {
  const seen: string[] = [];
  for await (const pair of merge(stream(...left), stream(...right))) {
    seen.push(`${pair.left ? 'L' : '-'}${pair.right ? 'R' : '-'} ${pair.key}`);
  }
  return seen;
}

describe('merge', () => {
  test('pairs equal keys and shows what one side lacks', async () => {
    expect(await merged(['a', 'b', 'd'], ['b', 'c', 'd', 'e'])).toEqual(['L- a', 'LR b', '-R c', 'LR d', '-R e']);
  });

  test.each([
    [[], []],
    [['a'], []],
    [[], ['a']],
  ])('loses nothing at the ends: %j %j', async (left, right) => {
    expect(await merged(left, right)).toHaveLength(left.length + right.length);
  });

  test.each([[['b', 'a']], [['a', 'a']]])('refuses a stream that does not ascend: %j', async (keys) => {
    await expect(merged(keys, [])).rejects.toThrow(/out of order/);
    await expect(merged([], keys)).rejects.toThrow(/out of order/);
  });
});
