import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { databaseSchema } from '@flash-sale/shared/config.ts';
import type { ZodObject } from 'zod';
import { serviceNames } from '@flash-sale/contract/services.ts';

/* Whoever runs a service finds all that can be set about it in its README. */

test.each(serviceNames)('the README of %s has a line for each of its own settings', async (service) => {
  const folder = join(import.meta.dirname, '../services', service);
  const { configSchema } = (await import(join(folder, 'src/config.ts'))) as { configSchema: ZodObject };
  const own = Object.keys(configSchema.shape).filter((name) => !(name in databaseSchema.shape));
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  const rows = readme.split('\n').filter((line) => line.startsWith('|'));
  expect(own.filter((name) => !rows.some((row) => row.includes(`\`${name}\``)))).toEqual([]);
});

test('docs/settings.md has a line for each setting that every service has', async () => {
  const page = await readFile(join(import.meta.dirname, '../docs/settings.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('|'));
  const names = Object.keys(databaseSchema.shape);
  expect(names.filter((name) => !rows.some((row) => row.includes(`\`${name}\``)))).toEqual([]);
});
