import { afterAll, expect, test } from '@jest/globals';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limit, openLog } from './log-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'log-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a log that cannot be made loses what is said, and nothing else', () => {
  const fd = openLog(join(folder, 'not-there', 'log'));
  expect(writeSync(fd, 'said\n')).toBe(5);
  closeSync(fd);
});

test('a log goes on where it was', () => {
  const file = join(folder, 'log');
  for (const text of ['one\n', 'two\n']) {
    const fd = openLog(file);
    writeSync(fd, text);
    closeSync(fd);
  }
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
});

test('a log that has grown too large is emptied, also where there is no room for a copy', async () => {
  const [kept, tight] = [join(folder, 'kept'), join(folder, 'tight')];
  for (const file of [kept, tight]) {
    writeFileSync(file, 'begin');
    truncateSync(file, 65 * 1024 * 1024);
  }
  // Whatever the reason: here no copy can be written because a folder is in its place.
  mkdirSync(`${tight}.1`);
  await limit([kept, tight]).catch(() => undefined);
  expect(statSync(kept).size).toBe(0);
  expect(statSync(`${kept}.1`).size).toBe(65 * 1024 * 1024);
  expect(statSync(tight).size).toBe(0);
});
