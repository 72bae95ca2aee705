import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';

/* What the documents refer to is there: files, headings and commands. */

const repository = join(import.meta.dirname, '..');
const textOf = (file: string) => readFile(join(repository, file), 'utf8');
const notOurs = /(^|\/)(node_modules|\.\w+|results|release-\w+)(\/|$)/;
const documents = globSync('**/*.md', { cwd: repository, exclude: (path) => notOurs.test(path) }).sort();

const outsideCode = (text: string) => text.replaceAll(/^ *```.*?^ *```$/gms, '');

/** The anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (text: string) =>
  [...outsideCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** The links of a document within the repository that lead nowhere. */
async function brokenLinks(document: string): Promise<string[]> {
  const text = await textOf(document);
  const targets = [...outsideCode(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target!);
  const broken: string[] = [];
  for (const target of targets.filter((target) => !/^[a-z]+:/.test(target))) {
    const [path, anchor] = target.split('#') as [string, string?];
    const file = path === '' ? join(repository, document) : resolve(repository, dirname(document), path);
    if (!existsSync(file)) broken.push(target);
    else if (anchor !== undefined && !anchorsOf(await readFile(file, 'utf8')).includes(anchor)) broken.push(target);
  }
  return broken;
}

test('the README and the documents that it lists are among those looked at', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/architecture.md', 'services/user/README.md']));
});

test.each(documents)('every link of %s leads to a file, and to a heading of it', async (document) => {
  expect(await brokenLinks(document)).toEqual([]);
});

test('every document below docs/ is reached from the README', async () => {
  const readme = await textOf('README.md');
  const forgotten = documents.filter((document) => document.startsWith('docs/') && !readme.includes(`(${document})`));
  expect(forgotten).toEqual([]);
});

test('the commands that documents name are those that there are, and docs/commands.md has them all', async () => {
  const { scripts } = JSON.parse(await textOf('package.json')) as { scripts: Record<string, string> };
  const named = async (document: string) =>
    [...(await textOf(document)).matchAll(/\bnpm (?:run )?(start|test|(?<=run )[a-z][\w:]*)/g)].map(
      ([, name]) => name!,
    );
  const unknown = (await Promise.all(documents.map(named))).flat().filter((name) => !(name in scripts));
  expect(unknown).toEqual([]);
  const commands = Object.keys(scripts).filter((name) => scripts[name]!.startsWith('exec node infra/'));
  expect(await named('docs/commands.md')).toEqual(expect.arrayContaining(commands));
});
