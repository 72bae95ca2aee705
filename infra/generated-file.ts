import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { format, resolveConfig } from 'prettier';

/** Writes JSON in the format in which the checks want to find it, and says so. */
export async function writeGenerated(file: string, content: unknown): Promise<void> {
  const text = await format(JSON.stringify(content), { ...(await resolveConfig(file)), filepath: file });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  console.log(`written: ${file}`);
}
