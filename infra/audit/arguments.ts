import { UsageError } from '../command-line.ts';

export interface AuditArguments {
  stackFile: string | undefined;
  fromEnvironment: boolean;
  quietWithinMs: number;
}

export const usage = `usage: npm run audit [-- --stack-file PATH | --from-environment] [--quiet-within SECONDS]

  --stack-file        the run/stack.json of the stack; without it, the one that npm start runs
  --from-environment  the stack of STACK, DATABASE_URL (a role that may read all), REDIS_URL and AMQP_URL, as in containers
  --quiet-within      how long to wait until nothing is under way any more; 30 unless given

Exit code: 0 all is proved, 1 a discrepancy, 2 it cannot be told.`;

/** @throws UsageError */
export function parseArguments(argv: string[]): AuditArguments {
  const result: AuditArguments = { stackFile: undefined, fromEnvironment: false, quietWithinMs: 30_000 };
  const rest = argv.flatMap((argument) =>
    argument.startsWith('--') ? (/^(--[^=]*)=(.*)$/s.exec(argument)?.slice(1) ?? [argument]) : [argument],
  );
  while (rest.length > 0) {
    const option = rest.shift();
    if (option === '--from-environment') {
      result.fromEnvironment = true;
      continue;
    }
    const value = rest.shift();
    if (option !== '--stack-file' && option !== '--quiet-within') throw new UsageError(`unknown argument "${option}"`);
    if (!value || value.startsWith('--')) throw new UsageError(`${option} needs a value`);
    if (option === '--stack-file') result.stackFile = value;
    else result.quietWithinMs = milliseconds(value);
  }
  return result;
}

function milliseconds(value: string): number {
  const seconds = Number(value);
  if (/^\d{1,4}(\.\d{1,3})?$/.test(value) && seconds <= 3_600) return Math.round(seconds * 1_000);
  throw new UsageError(`--quiet-within is a number of seconds from 0 to 3600, not "${value}"`);
}
