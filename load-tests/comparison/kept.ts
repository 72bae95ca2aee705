import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readKept } from '../lib/kept.ts';
import { comparisonSchema, type Comparison } from './results.ts';

const fileName = 'measured.json';

/**
 * Writes what has been measured so far. A reader finds the state before or the state after, never half of it. Without line breaks: it
 * has a value for every second of every run.
 */
export async function keepComparison(folder: string, comparison: Comparison): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, fileName);
  await writeFile(`${file}.new`, JSON.stringify(comparison) + '\n');
  await rename(`${file}.new`, file);
}

/** @throws UnreadableResult */
export const readComparison = (folder: string): Promise<Comparison> =>
  readKept(join(folder, fileName), comparisonSchema, 'a comparison');
