import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const mostUsed = 10_000;
/** In lower case, the most used first. The package's entry point would unpack 50,000 of them at each start. */
const file = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json');

/** The 10,000 passwords that everybody tries first. */
export async function commonPasswords(): Promise<{ has(password: string): boolean }> {
  const ranked = JSON.parse(await readFile(file, 'utf8')) as string[];
  const list = new Set(ranked.slice(0, mostUsed));
  return { has: (password) => list.has(password.normalize('NFC').toLowerCase()) };
}
