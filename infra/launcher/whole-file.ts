import { renameSync, writeFileSync } from 'node:fs';

/**
 * Writes JSON as a whole or not at all: who reads at any moment, or after we were killed in the middle, finds all of it
 * or all of what was before. One writer a file.
 */
export function writeWhole(file: string, content: unknown, mode: number): void {
  const draft = `${file}.tmp`;
  writeFileSync(draft, JSON.stringify(content, null, 2) + '\n', { mode });
  renameSync(draft, file);
}
