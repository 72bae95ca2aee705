import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findExecutable } from '../../infra/launcher/find-executable.ts';
import { runCommand } from '../../infra/launcher/run-command.ts';
import { NoSuchTree, openTree } from './other-tree.ts';

let folder: string;
let repository: string;
let checkout: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'flash-sale-other-tree-')));
  repository = join(folder, 'repository');
  checkout = join(repository, '.local', 'tree');
  await mkdir(repository);
});
afterEach(() => rm(folder, { recursive: true }));

async function git(...args: string[]): Promise<string> {
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false'];
  const { code, output } = await runCommand('git', ['-C', repository, ...who, ...args]);
  if (code !== 0) throw new Error(output);
  return output;
}

async function commit(files: Record<string, string>): Promise<string> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(repository, name), content);
  await git('add', '.');
  await git('commit', '-q', '-m', 'files');
  return git('rev-parse', 'HEAD');
}

const open = (name: string, signal?: AbortSignal) =>
  openTree(name, { repository, checkout, ...(signal ? { signal } : {}) });

test('a folder is used as it is, and stays', async () => {
  await writeFile(join(repository, 'package.json'), '{}');
  await using tree = await open('.');
  expect(tree.folder).toBe(repository);
  await tree[Symbol.asyncDispose]();
  expect(existsSync(join(repository, 'package.json'))).toBe(true);
});

(findExecutable('git') ? describe : describe.skip)('a commit, by git', () => {
  let first: string;

  beforeEach(async () => {
    await git('init', '-q');
    await writeFile(join(repository, '.gitignore'), 'node_modules/\n.local/\n');
    first = await commit({ 'package.json': '{}', 'package-lock.json': '{"a":1}', 'code.ts': 'first' });
    await commit({ 'code.ts': 'second' });
    await mkdir(join(repository, 'node_modules/@shop'), { recursive: true });
    await mkdir(join(repository, 'node_modules/dependency'));
    await symlink('../../code.ts', join(repository, 'node_modules/@shop/code'));
  });

  test('is checked out until it is not needed any more, and git knows no more of it then', async () => {
    const tree = await open(first);
    expect(await readFile(join(tree.folder, 'code.ts'), 'utf8')).toBe('first');
    await tree[Symbol.asyncDispose]();
    expect(existsSync(checkout)).toBe(false);
    expect((await git('worktree', 'list')).split('\n')).toHaveLength(1);
  });

  test('has the packages that are installed here, and its own code', async () => {
    await using tree = await open('HEAD~1');
    const modules = join(tree.folder, 'node_modules');
    expect(await realpath(join(modules, 'dependency'))).toBe(join(repository, 'node_modules/dependency'));
    expect(await readFile(join(modules, '@shop/code'), 'utf8')).toBe('first');
  });

  test('with another lock file has none of them, and its start will install its own', async () => {
    await commit({ 'package-lock.json': '{"a":2}' });
    await writeFile(join(repository, 'package-lock.json'), '{"a":1}');
    await using tree = await open('HEAD');
    expect(existsSync(join(tree.folder, 'node_modules'))).toBe(false);
  });

  test('that cannot be checked out, or is broken off meanwhile, leaves nothing', async () => {
    await expect(open('HEAD', AbortSignal.abort())).rejects.toThrow();
    await mkdir(checkout, { recursive: true });
    await writeFile(join(checkout, 'in-the-way'), '');
    await expect(open('HEAD')).rejects.toThrow(/^git could not check out HEAD: .*already exists/s);
    expect((await git('worktree', 'list')).split('\n')).toHaveLength(1);
  });

  test.each(['no-such-thing', '--help', 'HEAD^{tree}'])('%s is neither', async (name) => {
    await expect(open(name)).rejects.toThrow(NoSuchTree);
  });
});
