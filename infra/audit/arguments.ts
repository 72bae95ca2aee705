import { optionsIn, UsageError } from '../command-line.ts';

export interface AuditArguments {
  stackFile: string | undefined;
  fromEnvironment: boolean;
  quietWithinMs: number;
}

export const usage = `usage: npm run audit [-- --stack-file PATH | --from-environment] [--quiet-within SECONDS]

  --stack-file        the run/stack.json of the stack; without it, the one that npm start runs
  --from-environment  the stack of STACK, DATABASE_URL (a role that may read all), REDIS_URL and AMQP_URL, as in containers
  --quiet-within      how long to wait until nothing is under way any more; 30 unless given

Each check stands after the number of the guarantee in README.md that it proves.
Exit code: 0 all is proved, 1 a discrepancy, 2 it cannot be told.`;

/** @throws UsageError */
export function parseArguments(argv: string[]): AuditArguments {
  const given = optionsIn(argv, {
    'stack-file': { type: 'string' },
    'from-environment': { type: 'boolean', default: false },
    'quiet-within': { type: 'string', default: '30' },
  });
  if (given['stack-file'] === '') throw new UsageError('--stack-file needs a value');
  return {
    stackFile: given['stack-file'],
    fromEnvironment: given['from-environment'],
    quietWithinMs: milliseconds(given['quiet-within']),
  };
}

function milliseconds(value: string): number {
  const seconds = Number(value);
  if (/^\d{1,4}(\.\d{1,3})?$/.test(value) && seconds <= 3_600) return Math.round(seconds * 1_000);
  throw new UsageError(`--quiet-within is a number of seconds from 0 to 3600, not "${value}"`);
}
