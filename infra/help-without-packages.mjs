/**
 * What a command says of itself while there are no packages: what docs/commands.md says of it. Its own help is TypeScript, which only
 * they can run, and to ask for it should not cost the minute that they take.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** @param entry the file in infra/ that npm has run */
export function helpWithoutPackages(root, entry) {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [name] = Object.entries(scripts).find(([, line]) => line.endsWith(`infra/${basename(entry)}`)) ?? ['start'];
  const command = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;
  const lines = readFileSync(join(root, 'docs/commands.md'), 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith(`| \`${command}`) && !/^[\w:]/.test(line[command.length + 3]));
  return [
    `usage: ${rows.map(textOf).join('\n       ')}`,
    ...optionsOf(command, lines),
    '',
    `That is from docs/commands.md. Once the packages are installed (npm ci), ${command} -- --help tells the whole.`,
  ].join('\n');
}

/** Those that the page has a section about. */
function optionsOf(command, lines) {
  const from = lines.indexOf(`## \`${command}\``);
  if (from < 0) return [];
  const section = lines.slice(from + 1);
  const end = section.findIndex((line) => line.startsWith('## '));
  const rows = section.slice(0, end < 0 ? undefined : end).filter((line) => line.startsWith('| `--'));
  return ['', ...rows.map((row) => `  ${textOf(row)}`)];
}

/** The cells of a row, as they look on the page. */
function textOf(row) {
  const [first = '', ...others] = row.slice(1, -1).split(/(?<!\\)\|/);
  return `${plain(first).padEnd(36)} ${others.map(plain).join(' ')}`;
}

/** Only what stands in brackets and is followed by an address is a link. */
const plain = (cell) => {
  const text = cell.trim().replaceAll(/\[([^[\]]*)\]\([^)]*\)/g, '$1');
  return text.replaceAll('`', '').replaceAll('\\|', '|');
};
