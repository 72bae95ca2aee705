import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseComparison, type Comparison } from './results.ts';

const fileName = 'measured.json';

/** Writes what has been measured so far. A reader finds the state before or the state after, never half of it. */
export async function keepComparison(folder: string, comparison: Comparison): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, fileName);
  await writeFile(`${file}.new`, JSON.stringify(comparison) + '\n');
  await rename(`${file}.new`, file);
}

/** @throws Error that names the folder and says what is wrong with what lies in it */
export async function readComparison(folder: string): Promise<Comparison> {
  let text: string;
  try {
    text = await readFile(join(folder, fileName), 'utf8');
  } catch (error) {
    throw new Error(`${folder} has no ${fileName} that can be read`, { cause: error });
  }
  try {
    return parseComparison(text);
  } catch (error) {
    throw new Error(`${join(folder, fileName)} ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
