import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../infra/testing/temporary-folder.ts';
import { UnreadableResult } from '../lib/kept.ts';
import { fileName, readResult } from './results.ts';
import { aLevel, aResult } from './testing/level.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder('sweep');
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string) {
  await writeFile(join(folder, fileName), text);
  return readResult(folder);
}

describe('a kept result', () => {
  const text = JSON.stringify(aResult([aLevel(10, 50)]));

  test('is read as it was written', async () => {
    expect(await read(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ['half written', text.slice(0, text.length / 2)],
    ['empty', ''],
    ['of something else', '{"startedAt":"now","levels":[]}'],
    ['with a figure that is none', text.replace('"requestsPerSecond":333', '"requestsPerSecond":null')],
  ])('that is %s is refused', async (_, broken) => {
    await expect(read(broken)).rejects.toThrow(UnreadableResult);
  });
});
