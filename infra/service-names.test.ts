import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { subscribingServices } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { withoutBlocks } from './listed-blocks.ts';
import { sources } from './testing/sources.ts';

const mayName = [
  // The list, and which events each handles and tells of.
  /^contract\/src\/(services|events\/subscriptions)\.ts$/,
  // What some of them have of their own, and a new one need not: keys and channels in Redis, a colour, tables to compare.
  /^infra\/launcher\/redis-users\.ts$/,
  /^load-tests\/comparison\/charts\.ts$/,
  /^test-kit\/stack\/books\.ts$/,
];

test('what goes through all services takes them from the list: nothing else names them all', () => {
  const ours = sources(/^(?!services\/).*\.(ts|mjs|js|sh|ya?ml|conf|template)$|^Dockerfile$|^infra\/docker\/[\w-]+$/);
  expect(ours.length).toBeGreaterThan(300);
  const words = serviceNames.map((name) => new RegExp(`(?<![a-z])${name}(?![a-z])`, 'i'));
  // Tests hold what is written from the list to it: compose.test.ts and kubernetes.test.ts.
  const byHand = ours
    .filter(({ text }) => !/^# Written by `npm run \w+` .*Do not edit\.\n/.test(text))
    .map(({ file, text }) => ({ file, text: withoutBlocks(text) }));
  const naming = byHand.filter(({ text }) => words.every((word) => word.test(text))).map(({ file }) => file);
  expect(naming).toContain('contract/src/services.ts');
  expect(naming.filter((file) => !mayName.some((pattern) => pattern.test(file)))).toEqual([]);
});

test('every service has a folder, and every folder in services/ is one', () => {
  const folders = readdirSync(join(import.meta.dirname, '../services'), { withFileTypes: true }).filter((one) =>
    one.isDirectory(),
  );
  expect(folders.map(({ name }) => name).sort()).toEqual([...serviceNames].sort());
});

// Whoever types them has a shell and a cluster, which know no list of ours.
test('a command in a document that names several services forgets none: all, or all that take events', () => {
  const sets = [serviceNames, subscribingServices].map((names) => names.toSorted().join(' '));
  const lines = sources(/\.md$/).flatMap(({ file, text }) =>
    [...text.matchAll(/^ *```sh\n(.*?)^ *```$/gms)].flatMap(([, block]) =>
      block!.split('\n').map((line) => ({ file, line, named: servicesIn(line) })),
    ),
  );
  const several = lines.filter(({ named }) => named.length > 2);
  expect(several.length).toBeGreaterThan(3);
  expect(several.filter(({ named }) => !sets.includes(named.join(' ')))).toEqual([]);
});

/** Each once: a loop's variable may have the name of one. */
const servicesIn = (line: string) => {
  const words = line.split(/\W+/);
  return serviceNames.filter((name) => words.includes(name)).toSorted();
};
