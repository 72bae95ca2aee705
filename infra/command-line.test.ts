import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultStack, stackNames } from '@flash-sale/shared/stacks.ts';
import {
  namesAndOptionsIn,
  optionsIn,
  refuseWhatNpmTook,
  stackChoices,
  stackNamed,
  UsageError,
  wholeNumber,
} from './command-line.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

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

describe('in a clone without packages', () => {
  let clone: string;
  beforeAll(async () => {
    clone = await temporaryFolder('clone');
    for (const path of ['package.json', 'package-lock.json', 'docs/commands.md'])
      await cp(join(root, path), join(clone, path));
    for (const name of await readdir(join(root, 'infra')))
      if (name.endsWith('.mjs')) await cp(join(root, 'infra', name), join(clone, 'infra', name));
  });
  afterAll(() => rm(clone, { recursive: true }));
  const help = (file: string) => run(process.execPath, [join(clone, file), '--help']);

  test.each(commands)(
    '%s tells what it is for, and installs nothing for that',
    async (name, file) => {
      const { stdout, stderr } = await help(file);
      const npm = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;
      expect(stdout).toMatch(new RegExp(`^usage: ${npm}(?![\\w:]).* {2,}\\S.*\\n[^]*npm ci`));
      expect([stderr, stdout.match(/installing|undefined/)]).toEqual(['', null]);
      expect(existsSync(join(clone, 'node_modules'))).toBe(false);
    },
    30_000,
  );

  test('npm start tells its options, too', async () => {
    const { stdout } = await help('infra/start.mjs');
    for (const option of ['--stack', '--port', '--set', '--no-demo']) expect(stdout).toMatch(`\n  ${option}`);
  }, 30_000);
});

/** How a command ends that is not understood. */
async function refusedBy(file: string, ...argv: string[]) {
  const ended = run(process.execPath, [join(root, file), ...argv]);
  return ended.then(
    (unexpected) => ({ code: 0, ...unexpected }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test('what is not understood is answered by the error and where help is, and nothing above or below it', async () => {
  const { code, stdout, stderr } = await refusedBy('infra/audit.mjs', '--no-such-option');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^Unknown option '--no-such-option'.*\nnpm run audit -- --help tells how it is used\n$/);
}, 30_000);

test.each([[['--version']], [['-e', 'VUS=5']], [[]]])(
  'k6 is neither looked for nor built where no script is named: %j',
  async (argv) => {
    const { code, stdout, stderr } = await refusedBy('infra/k6.mjs', ...argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^which script\?.*\nnpm run k6 -- --help tells how it is used\n$/);
  },
  30_000,
);

test('an option that there is not is answered by those that there are, and not by advice about Node', () => {
  const options = { quick: { type: 'boolean' }, url: { type: 'string' } } as const;
  const known = "Unknown option '--quik'; there are --quick, --url";
  expect(() => optionsIn(['--quik'], options)).toThrow(new UsageError(known));
  expect(() => namesAndOptionsIn(['--quik', 'x'], options)).toThrow(new UsageError(known));
  expect(() => namesAndOptionsIn(['--quik'], {})).toThrow(new UsageError("Unknown option '--quik'; there are none"));
  expect(() => optionsIn(['--url', '--quick'], options)).toThrow(/^[^\n]*--url[^\n]*$/);
  expect(() => optionsIn(['here'], options)).toThrow(new UsageError("Unexpected argument 'here'"));
});

test('a number of an option is a whole one within its bounds', () => {
  expect(wholeNumber('--port', '8080', 65_535)).toBe(8_080);
  expect(wholeNumber('--port', undefined)).toBeUndefined();
  for (const value of ['0', '65536', '-1', '80.5', '8e3', '', ' 80', 'http'])
    expect(() => wholeNumber('--port', value, 65_535)).toThrow(
      new UsageError(`--port is a number from 1 to 65535, not "${value}"`),
    );
});

test('options that npm took for its own are not missed in silence', () => {
  const usage = 'usage: npm run sweep [-- --stack NAME] [--no-warm-up] [--help]';
  const refused = (env: NodeJS.ProcessEnv) => () => refuseWhatNpmTook(usage, env);
  expect(refused({ npm_config_stack: 'sync' })).toThrow(
    'npm took --stack for an option of its own: npm run sweep -- --stack …',
  );
  expect(refused({ npm_config_no_warm_up: 'true' })).toThrow(UsageError);
  expect(refused({ npm_config_warm_up: '' })).toThrow(
    'npm took --no-warm-up for an option of its own: npm run sweep -- --no-warm-up …',
  );
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
