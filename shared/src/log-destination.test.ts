import { afterEach, describe, expect, test } from '@jest/globals';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './testing/eventually.ts';
import { logDestination } from './log-destination.ts';

const opened: number[] = [];
const open = (file: string) => {
  const fd = openSync(file, 'a');
  opened.push(fd);
  return fd;
};
afterEach(() => opened.splice(0).forEach((fd) => closeSync(fd)));

const lostLine = (count: number) => `${count} lost\n`;
const lines = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `line ${from + n}\n`);

describe('a log', () => {
  test('has every line, in order', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-'));
    const file = join(folder, 'log');
    const log = logDestination(open(file), lostLine);
    const all = lines(20_000);
    all.forEach((line) => log.write(line));
    await eventually(() => expect(readFileSync(file, 'utf8')).toBe(all.join('')));
    rmSync(folder, { recursive: true });
  });

  test.each([
    // Left open: what is lost is tried again for ever, and would be written into the next file of the same number.
    ['on a full disk', () => openSync('/dev/full', 'a')],
    ['whose descriptor is closed', () => 987_654],
  ])('%s is lost, without an end to the process or to its memory', async (_, fd) => {
    let told = 0;
    const log = logDestination(fd(), (count) => {
      told = count;
      return lostLine(count);
    });
    const line = `${'x'.repeat(1_000)}\n`;
    for (let n = 0; n < 20_000; n += 1) log.write(line);
    // Also of those that were never tried, each counts once.
    await eventually(() => expect(told).toBe(20_000));
    for (let n = 0; n < 10; n += 1) log.write(line);
    await eventually(() => expect(told).toBe(20_010));
  });
});
