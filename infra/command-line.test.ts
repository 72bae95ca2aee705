import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { defaultStack, stackNames } from '@flash-sale/shared/stacks.ts';
import { refuseWhatNpmTook, stackChoices, stackNamed, UsageError } from './command-line.ts';

const root = join(import.meta.dirname, '..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const commands = Object.entries(scripts).flatMap(([name, line]) => {
  const file = /^exec node (infra\/\S+\.mjs)$/.exec(line)?.[1];
  return file === undefined ? [] : [[name, file] as const];
});
const run = promisify(execFile);

describe('every command', () => {
  test('is among those asked here', () => {
    expect(commands.map(([name]) => name)).toEqual(expect.arrayContaining(['start', 'test', 'audit', 'k6', 'report']));
  });

  test.each(commands)(
    '%s tells how it is used, and does nothing else',
    async (name, file) => {
      const { stdout, stderr } = await run(process.execPath, [join(root, file), '--help']);
      const npm = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;
      expect(stdout).toMatch(new RegExp(`^usage: ${npm}\\b`));
      expect(stdout).not.toMatch(/^\d+ passed|^ready/m);
      expect(stderr).toBe('');
    },
    30_000,
  );
});

test('options that npm took for its own are not missed in silence', () => {
  const usage = 'usage: npm run sweep [-- --stack NAME] [--no-warm-up] [--help]';
  const refused = (env: NodeJS.ProcessEnv) => () => refuseWhatNpmTook(usage, env);
  expect(refused({ npm_config_stack: 'sync' })).toThrow(
    'npm took --stack for an option of its own: npm run sweep -- --stack …',
  );
  expect(refused({ npm_config_no_warm_up: 'true' })).toThrow(UsageError);
  expect(refused({ npm_config_cache: '/root/.npm', npm_config_help: 'true', npm_config_prefix: '/usr' })).not.toThrow();
});

test('a stack is one of the list, the default one unless it is given, and otherwise the answer is which there are', () => {
  expect(stackNamed()).toBe(defaultStack);
  for (const name of stackNames) expect(stackNamed(name)).toBe(name);
  expect(stackChoices.split('|').toSorted()).toEqual(stackNames.toSorted());
  const refused = () => stackNamed('both');
  expect(refused).toThrow(UsageError);
  for (const name of stackNames) expect(refused).toThrow(new RegExp(`^--stack is .*\\b${name}\\b.*, not "both"$`));
});
