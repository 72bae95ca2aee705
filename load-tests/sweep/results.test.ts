import { describe, expect, test } from '@jest/globals';
import { parseResult, UnreadableResult } from './results.ts';
import { aLevel, aResult } from './testing/level.ts';

describe('a kept result', () => {
  const text = JSON.stringify(aResult([aLevel(10, 50)]));

  test('is read as it was written', () => {
    expect(parseResult(text, 'sweep.json')).toEqual(JSON.parse(text));
  });

  test.each([
    ['half written', text.slice(0, text.length / 2)],
    ['empty', ''],
    ['of something else', '{"startedAt":"now","levels":[]}'],
    ['with a figure that is none', text.replace('"requestsPerSecond":333', '"requestsPerSecond":null')],
  ])('that is %s is refused', (_, broken) => {
    expect(() => parseResult(broken, 'sweep.json')).toThrow(UnreadableResult);
  });
});
