import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadSecrets, type Secrets } from './secrets.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flash-sale-secrets-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('secrets', () => {
  test('are made once, and then stay', async () => {
    const file = join(folder, 'secrets.json');
    const first = await loadSecrets(file);
    expect(await loadSecrets(file)).toEqual(first);
  });

  test('are for nobody else', async () => {
    const file = join(folder, 'secrets.json');
    await loadSecrets(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('are all different, and long enough for every use', async () => {
    const all = strings(await loadSecrets(join(folder, 'secrets.json')));
    expect(new Set(all).size).toBe(all.length);
    for (const secret of all) expect(secret).toMatch(/^[\w-]{43}$/);
  });

  test('that an older file lacks are added; the others stay', async () => {
    const file = join(folder, 'secrets.json');
    const { jwtSecret, redisUsers, rabbitmqUsers, ...older } = await loadSecrets(file);
    await writeFile(file, JSON.stringify({ ...older, redisUsers: { user: redisUsers.user } }));
    const renewed = await loadSecrets(file);
    expect(renewed).toEqual({
      ...older,
      jwtSecret: renewed.jwtSecret,
      redisUsers: { ...renewed.redisUsers, user: redisUsers.user },
      rabbitmqUsers: renewed.rabbitmqUsers,
    });
    expect(Object.keys(renewed.rabbitmqUsers)).toEqual(Object.keys(rabbitmqUsers));
    expect(renewed.jwtSecret).not.toBe(jwtSecret);
    expect(JSON.parse(await readFile(file, 'utf8')) as Secrets).toEqual(renewed);
  });
});

const strings = (value: object): string[] =>
  Object.values(value).flatMap((one: string | object) => (typeof one === 'string' ? one : strings(one)));
