import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const notOurs = /(^|\/)(node_modules|\.\w+|results)(\/|$)/;
const ofTests = /\.tests?\.\w+$|\/testing\/|\/fixtures\//;

/** The project's own files whose path from the root matches, but for tests and what only they use. */
export function sources(path: RegExp): { file: string; text: string }[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (one) => one.isDirectory() && !notOurs.test(one.name),
  );
  const inFolders = folders.flatMap(({ name }) =>
    readdirSync(join(root, name), { recursive: true, encoding: 'utf8' }).map((file) => `${name}/${file}`),
  );
  return [...readdirSync(root), ...inFolders]
    .filter((file) => path.test(file) && !notOurs.test(file) && !ofTests.test(file))
    .filter((file) => statSync(join(root, file)).isFile())
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
}
