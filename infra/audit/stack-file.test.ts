import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { databases } from '../launcher/database-names.ts';
import { identityOf } from '../launcher/process-identity.ts';
import { NotRunning } from '../launcher/running-stack.ts';
import { findStack } from './stack-file.ts';

let folder: string;
const file = () => join(folder, 'stack.json');
const record = {
  launcher: identityOf(process.pid),
  stack: 'sync',
  url: 'http://127.0.0.1:1',
  databaseUrls: Object.fromEntries(databases.map((name) => [name, `postgres://127.0.0.1/${name}`])),
  redisUrl: 'redis://127.0.0.1:1',
};
const write = (content: unknown) => writeFileSync(file(), JSON.stringify(content));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flash-sale-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a stack file', () => {
  test('tells how to reach a running stack', () => {
    write({ ...record, outboxMaxAttempts: 7 });
    expect(findStack(file())).toMatchObject({
      stack: 'sync',
      outboxMaxAttempts: 7,
      redisUrl: record.redisUrl,
      databaseUrls: record.databaseUrls,
    });
  });

  test.each([
    ['that is not there', () => undefined, /no stack file/],
    ['of something else', () => write({ hello: 1 }), /not the stack file/],
    ['that is no JSON', () => writeFileSync(file(), '{'), /not the stack file/],
    ['without a database', () => write({ ...record, databaseUrls: {} }), /not the stack file/],
    ['of a launcher that is gone', () => write({ ...record, launcher: { pid: 1, startedAt: 'never' } }), /any more/],
  ])('%s is refused', (_what, prepare, message) => {
    prepare();
    expect(() => findStack(file())).toThrow(NotRunning);
    expect(() => findStack(file())).toThrow(message);
  });
});
