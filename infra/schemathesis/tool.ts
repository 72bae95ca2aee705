import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findExecutable } from '../launcher/find-executable.ts';
import { runCommand } from '../launcher/run-command.ts';

const pinned = 'schemathesis==4.32.5';
const folder = join(import.meta.dirname, '../../.local/schemathesis');
const program = join(folder, 'bin/schemathesis');

/** What `npm run schemathesis:tool` has put under .local, or the program on the PATH. */
export function findSchemathesis(): string | undefined {
  return existsSync(program) ? program : findExecutable('schemathesis');
}

/** Puts it into an environment of its own, with Python. @throws with what pip said */
export async function installSchemathesis(say: (line: string) => void): Promise<void> {
  if (existsSync(program)) return;
  await mkdir(folder, { recursive: true });
  say(`installing ${pinned} with Python, once …`);
  await succeed('python3', ['-m', 'venv', folder]);
  await succeed(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', pinned]);
}

async function succeed(command: string, args: string[]): Promise<void> {
  const { code, output } = await runCommand(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${output}`);
}
