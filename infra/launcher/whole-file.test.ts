import { readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeWhole } from './whole-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flash-sale-whole-file-'));
});
afterEach(() => rm(folder, { recursive: true }));

const reads = 2_000;

test('whoever reads while it is written finds all of it', async () => {
  const file = join(folder, 'file.json');
  writeWhole(file, { some: 'content' }, 0o600);
  const reader = new Worker(
    `const { readFileSync } = require('node:fs');
     const { parentPort, workerData } = require('node:worker_threads');
     let halves = 0;
     for (let n = 0; n < workerData.reads; n += 1) {
       try { JSON.parse(readFileSync(workerData.file, 'utf8')); } catch { halves += 1; }
     }
     parentPort.postMessage(halves);`,
    { eval: true, workerData: { file, reads } },
  );
  const outcome = new Promise<number>((resolve, reject) => reader.once('message', resolve).once('error', reject));
  let halves: number | undefined;
  void outcome.then((found) => (halves = found));
  const content = Array.from({ length: 500 }, (_, n) => ({ n, text: 'x'.repeat(50) }));
  while (halves === undefined) {
    writeWhole(file, content, 0o600);
    await new Promise(setImmediate);
  }
  expect(await outcome).toBe(0);
});

test('leaves nothing but the file, readable by its owner only', () => {
  const file = join(folder, 'file.json');
  writeWhole(file, { secret: 1 }, 0o600);
  expect(readdirSync(folder)).toEqual(['file.json']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ secret: 1 });
});
