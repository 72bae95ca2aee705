/** The command lines of all commands: what is asked for, help, and what cannot be understood. */

import { parseArgs, type ParseArgsConfig } from 'node:util';
import { isLayoutName, layoutNames, type LayoutName } from '@flash-sale/shared/layouts.ts';
import { defaultStack, isStackName, stackNames, type StackName } from '@flash-sale/shared/stacks.ts';

/** Something the caller got wrong: shown as it is, without a stack trace. */
export class UsageError extends Error {}

/** What the command line asks for. Help ends the process with 0; what cannot be understood, with 2 and where help is. */
export function argumentsOrExit<Arguments>(parse: (argv: string[]) => Arguments, usage: string): Arguments {
  const argv = process.argv.slice(2);
  if (argv.some((argument) => argument === '--help' || argument === '-h')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    refuseWhatNpmTook(usage, process.env);
    return parse(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // Not the whole usage: the error would be lost above it.
    console.error(`${error.message}\n${commandOf(usage)} -- --help tells how it is used`);
    process.exit(2);
  }
}

/**
 * Without `--` before them npm takes options of ours for settings of its own, warns of it, and would have us run without them.
 * @throws UsageError
 */
export function refuseWhatNpmTook(usage: string, env: NodeJS.ProcessEnv): void {
  const ours = [...new Set([...usage.matchAll(/--([a-z][a-z-]+)/g)].map(([, name]) => name!))];
  const isTaken = (name: string) => env[`npm_config_${name.replaceAll('-', '_')}`] !== undefined;
  // Of `--no-demo` npm makes a `demo` that is false.
  const taken = ours.find((name) => name !== 'help' && [name, name.replace(/^no-/, '')].some(isTaken));
  if (taken !== undefined)
    throw new UsageError(`npm took --${taken} for an option of its own: ${commandOf(usage)} -- --${taken} …`);
}

const commandOf = (usage: string): string => /^usage: (npm (?:run )?\S+)/.exec(usage)?.[1] ?? 'npm start';

/** The options on a command line, as `parseArgs` of Node reads them. @throws UsageError */
export function optionsIn<const Options extends NonNullable<ParseArgsConfig['options']>>(
  argv: string[],
  options: Options,
) {
  try {
    return parseArgs({ args: argv, options }).values;
  } catch (error) {
    throw asUsageError(error, options);
  }
}

/** The same for a command that also takes names, which need no option. @throws UsageError */
export function namesAndOptionsIn<const Options extends NonNullable<ParseArgsConfig['options']>>(
  argv: string[],
  options: Options,
) {
  try {
    const { positionals: names, values } = parseArgs({ args: argv, options, allowPositionals: true });
    return { names, values };
  } catch (error) {
    throw asUsageError(error, options);
  }
}

/** Node's first sentence says what is wrong. What it advises after it is of no use to who mistyped an option: which there are, is. */
function asUsageError(error: unknown, options: object): UsageError {
  const { code, message } = error as NodeJS.ErrnoException;
  const [what = ''] = message.split(/\.\s|\n/);
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return new UsageError(what);
  const known = Object.keys(options).map((name) => `--${name}`);
  return new UsageError(known.length === 0 ? `${what}; there are none` : `${what}; there are ${known.join(', ')}`);
}

/** What may follow `--stack`, for usage texts, the default first. */
export const stackChoices = [...new Set([defaultStack, ...stackNames])].join('|');

const oneOf = new Intl.ListFormat('en', { type: 'disjunction' });

/** The stack of `--stack`, the default one unless it is given. @throws UsageError */
export function stackNamed(name: string = defaultStack): StackName {
  if (isStackName(name)) return name;
  throw new UsageError(`--stack is ${oneOf.format(stackNames)}, not "${name}"`);
}

/** The layout of `--layout`. @throws UsageError */
export function layoutNamed(name: string): LayoutName {
  if (isLayoutName(name)) return name;
  throw new UsageError(`--layout is ${oneOf.format(layoutNames)}, not "${name}"`);
}

/** A whole number from `least` to `max`, if one is given. @throws UsageError */
export function wholeNumber(option: string, value: string, max?: number, least?: 0 | 1): number;
export function wholeNumber(option: string, value: string | undefined, max?: number): number | undefined;
export function wholeNumber(
  option: string,
  value: string | undefined,
  max = 9_999_999,
  least: 0 | 1 = 1,
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value === String(least) || (/^\d{1,7}$/.test(value) && number >= 1 && number <= max)) return number;
  throw new UsageError(`${option} is a number from ${least} to ${max}, not "${value}"`);
}

/** For a command that takes none. */
export function noArguments([first]: string[]): void {
  if (first !== undefined) throw new UsageError(`unknown argument "${first}"`);
}
