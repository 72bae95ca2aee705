import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { format, resolveConfig } from 'prettier';

/** The text in the format in which the checks want to find it in the file. */
export async function formatted(file: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(file)), filepath: file });
}

/** Writes JSON in the format in which the checks want to find it, and says so. */
export async function writeGenerated(file: string, content: unknown): Promise<void> {
  const text = await formatted(file, JSON.stringify(content));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  console.log(`written: ${file}`);
}
