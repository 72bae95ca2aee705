import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { runCommand } from '../../infra/launcher/run-command.ts';
import { linkPackages } from '../../infra/link-packages.ts';

/** Source that can be started, and what must be done away with when it is no longer needed. */
export interface Tree extends AsyncDisposable {
  folder: string;
}

/** What was to be compared with is not there; the message says so in a sentence. */
export class NoSuchTree extends Error {}

/**
 * The tree of that name: a folder as it is, or a commit of the repository, checked out into `checkout` until it is disposed of.
 * @throws NoSuchTree
 */
export async function openTree(
  name: string,
  { repository, checkout, signal }: { repository: string; checkout: string; signal?: AbortSignal },
): Promise<Tree> {
  const folder = resolve(repository, name);
  if (existsSync(join(folder, 'package.json'))) return { folder, [Symbol.asyncDispose]: () => Promise.resolve() };
  const found = await git(
    repository,
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`],
    signal,
  );
  if (found.code !== 0) {
    throw new NoSuchTree(
      `"${name}" is neither a folder with a package.json nor a commit of the repository in ${repository}`,
    );
  }
  const remove = async () => {
    // Twice: one that was aborted is still locked.
    await git(repository, ['worktree', 'remove', '--force', '--force', checkout]);
    await rm(checkout, { recursive: true, force: true });
  };
  try {
    await mkdir(dirname(checkout), { recursive: true });
    const added = await git(repository, ['worktree', 'add', '--detach', checkout, found.output], signal);
    if (added.code !== 0) throw new NoSuchTree(`git could not check out ${name}: ${added.output}`);
    await sharePackages(repository, checkout);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder: checkout, [Symbol.asyncDispose]: remove };
}

function git(repository: string, args: string[], signal?: AbortSignal) {
  return runCommand('git', ['-C', repository, ...args], { signal });
}

/**
 * Gives a tree with the same lock file the packages that are installed here, by links. A tree with another one is left
 * without: its own `npm start` installs what it needs.
 */
async function sharePackages(ours: string, theirs: string): Promise<void> {
  const [our, their] = await Promise.all(
    [ours, theirs].map((folder) => readFile(join(folder, 'package-lock.json'), 'utf8').catch(() => undefined)),
  );
  if (our === undefined || our !== their) return;
  await linkPackages(join(ours, 'node_modules'), join(theirs, 'node_modules'));
}
