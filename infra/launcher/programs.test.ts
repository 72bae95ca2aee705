import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { folderWith } from './find-executable.ts';
import { catalogue, whatToInstall, type ProgramName } from './programs.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flash-sale-programs-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function anExecutable(path: string, mode = 0o755) {
  const file = join(folder, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, '#!/bin/sh\n', { mode });
}

describe('looking for programs', () => {
  test('takes the newest version, by number and not by letter', async () => {
    for (const version of ['9.6', '15', '17']) await anExecutable(`pg/${version}/bin/the-server`);
    expect(folderWith(['the-server'], [`${folder}/pg/*/bin`], '')).toBe(`${folder}/pg/17/bin`);
  });

  test('prefers the PATH', async () => {
    await anExecutable('here/the-server');
    await anExecutable('pg/17/bin/the-server');
    expect(folderWith(['the-server'], [`${folder}/pg/*/bin`], `${folder}/here`)).toBe(`${folder}/here`);
  });

  test('prefers a folder to the PATH where it has to', async () => {
    await anExecutable('wrappers/the-server');
    for (const version of ['3.10', '4.1']) await anExecutable(`lib/server-${version}/sbin/the-server`);
    const found = folderWith(['the-server'], [], `${folder}/wrappers`, [`${folder}/lib/server-*/sbin`]);
    expect(found).toBe(`${folder}/lib/server-4.1/sbin`);
  });

  test('wants all executables in one folder', async () => {
    await anExecutable('here/the-server');
    await anExecutable('pg/17/bin/the-server');
    await anExecutable('pg/17/bin/the-maker');
    const found = folderWith(['the-server', 'the-maker'], [`${folder}/pg/*/bin`], `${folder}/here`);
    expect(found).toBe(`${folder}/pg/17/bin`);
  });

  test('passes over what cannot be executed', async () => {
    await anExecutable('here/the-server', 0o644);
    expect(folderWith(['the-server'], [], `${folder}/here`)).toBeUndefined();
  });
});

test('the message about missing programs names a package for each, and the ways around', () => {
  const names = Object.keys(catalogue) as ProgramName[];
  const message = whatToInstall(names);
  expect(message).toContain('apt-get install postgresql redis-server rabbitmq-server erlang-base nginx');
  expect(message).toContain('brew install postgresql@17 redis rabbitmq erlang nginx');
  expect(message).toContain('DATABASE_URL, REDIS_URL and AMQP_URL');
  expect(message).toContain('docker compose -f docker-compose.async.yml up');
});
