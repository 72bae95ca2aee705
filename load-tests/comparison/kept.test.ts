import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../infra/testing/temporary-folder.ts';
import { keepComparison, readComparison } from './kept.ts';
import { aComparison } from './testing/comparisons.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder('comparison');
});
afterAll(() => rm(folder, { recursive: true }));

test('what is kept is read again', async () => {
  const comparison = aComparison();
  await keepComparison(join(folder, 'whole'), comparison);
  expect(await readComparison(join(folder, 'whole'))).toEqual(comparison);
});

test('a result that is half written, not one, or not there, is refused by name', async () => {
  const refusal = async (text: string) => {
    await writeFile(join(folder, 'measured.json'), text);
    return readComparison(folder).then(String, (error: Error) => error.message);
  };
  const whole = JSON.stringify(aComparison());
  expect(await refusal(whole.slice(0, -100))).toBe(`${folder}/measured.json is cut off, or no JSON`);
  expect(await refusal('{}')).toMatch(`${folder}/measured.json is no result of a comparison:\n  format`);
  expect(await refusal(whole.replace('"requests":6000', '"requests":"many"'))).toMatch(
    'stacks.0.yardsticks.before.requests: ',
  );
  await expect(readComparison(join(folder, 'nowhere'))).rejects.toThrow(
    `${folder}/nowhere/measured.json cannot be read: it is not there. Is its folder one that a measurement has written?`,
  );
});
