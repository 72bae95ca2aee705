import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { databases } from '../../infra/launcher/database-names.ts';
import type { RunningStack } from '../../infra/launcher/running-stack.ts';
import { createTestDatabase, type TestDatabase } from '../../infra/testing/database.ts';
import { untilAtRest } from './rest.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase('rest');
});
afterEach(() => database.drop());

const aStack = (databaseUrls: Record<string, string>): RunningStack => ({
  launcher: { pid: 0, startedAt: '' },
  stack: 'async',
  url: '',
  internalUrl: '',
  dataDir: '',
  databaseUrls,
  redisUrl: '',
  processes: [],
});
const everywhere = (url: string) => Object.fromEntries(databases.map((name) => [name, url]));
const signal = new AbortController().signal;

test('books that are kept otherwise than ours do not keep a tree from being at rest', async () => {
  await untilAtRest(aStack(everywhere(database.url)), signal);
  await untilAtRest(aStack({ shop: database.url }), signal);
});

test('a database that does not answer is no such tree, but a failure', async () => {
  const nobody = new URL(database.url);
  nobody.port = '9'; // "discard", which nothing here listens on
  await expect(untilAtRest(aStack(everywhere(nobody.href)), signal)).rejects.toThrow(/ECONNREFUSED/);
});
