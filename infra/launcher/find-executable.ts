import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where servers are installed outside the PATH of an ordinary user. */
const systemFolders = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/opt/homebrew/bin',
];

/** The first folder of `first`, the PATH, the usual places, and `more` that holds all the named executables. */
export function folderWith(
  executables: string[],
  more: string[] = [],
  path = process.env.PATH ?? '',
  first: string[] = [],
): string | undefined {
  const inPath = path.split(delimiter).filter(Boolean);
  const folders = [...first.flatMap(newestFirst), ...inPath, ...systemFolders, ...more.flatMap(newestFirst)];
  return folders.find((folder) => executables.every((name) => isExecutable(join(folder, name))));
}

export function findExecutable(name: string, path?: string): string | undefined {
  const folder = folderWith([name], [], path);
  return folder && join(folder, name);
}

/** Resolves one `*` in a path, such as /usr/lib/postgresql/∗/bin, the highest version first. */
function newestFirst(pattern: string): string[] {
  const [before, after] = pattern.split('*');
  if (before === undefined || after === undefined) return [pattern];
  const parent = before.slice(0, before.lastIndexOf('/'));
  const prefix = before.slice(before.lastIndexOf('/') + 1);
  let names: string[] = [];
  try {
    names = readdirSync(parent).filter((name) => name.startsWith(prefix));
  } catch {
    // Not on this kind of system.
  }
  const version = (name: string) => Number.parseFloat(name.slice(prefix.length)) || 0;
  return names.sort((a, b) => version(b) - version(a)).map((name) => `${parent}/${name}${after}`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
