import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const maxUsed = 10_000;
/** In lower case, the most used first. The package's entry point would unpack all 50,000 at each start. */
const file = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json');
/** Read when the module loads: later the process may have dropped the right to read its own files. */
const list = new Set((JSON.parse(readFileSync(file, 'utf8')) as string[]).slice(0, maxUsed));

/** The 10,000 most common passwords. */
export const commonPasswords = {
  has: (password: string): boolean => list.has(password.normalize('NFC').toLowerCase()),
};
