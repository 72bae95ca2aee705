import { closeSync, openSync, readSync, renameSync, rmSync, fstatSync } from 'node:fs';
import { copyFile, rm, stat, truncate } from 'node:fs/promises';
import { devNull } from 'node:os';

const maxBytes = 64 * 1024 * 1024;

/** Keeps the log of the run before as `<file>.1`. */
export function rotate(file: string): void {
  rmSync(`${file}.1`, { force: true });
  try {
    renameSync(file, `${file}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * Appending, so that a file emptied by `limit` goes on from its beginning. Where no file can be made, as on a full disk,
 * what is said is lost: a program must be started again all the same.
 */
export function openLog(file: string): number {
  try {
    return openSync(file, 'a', 0o640);
  } catch {
    return openSync(devNull, 'a');
  }
}

/** Under load a service writes thousands of lines a second: empties each file that has grown too large, keeping one copy. */
export async function limit(files: string[]): Promise<void> {
  for (const file of files) {
    const size = await stat(file)
      .then((found) => found.size)
      .catch(() => 0);
    if (size < maxBytes) continue;
    // Without room for a copy the file itself must go, all the more.
    await copyFile(file, `${file}.1`).catch(() => rm(`${file}.1`, { force: true, recursive: true }));
    await truncate(file, 0);
  }
}

/** The last lines, for a message about what went wrong; empty if there is no such file. */
export function tailOf(file: string, lines = 15): string {
  try {
    const fd = openSync(file, 'r');
    try {
      const length = Math.min(fstatSync(fd).size, 16_384);
      const buffer = Buffer.alloc(length);
      readSync(fd, buffer, 0, length, fstatSync(fd).size - length);
      return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
