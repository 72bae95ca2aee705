import { namesAndOptionsIn, UsageError } from '../command-line.ts';

export interface TraceArguments {
  /** Of an order, a reservation, a payment or a trace. */
  id: string;
  folder: string | undefined;
}

export const usage = `usage: npm run trace -- <id> [--dir FOLDER]

Where the time of a purchase went: what each service did for it, what it waited for, in the order of time, of a shop that runs with
npm start -- --traces, or ran with it.

  <id>    of an order, a reservation, a payment, or a trace: traceId in problem documents and in the logs
  --dir   where the spans lie; without it, where npm start keeps them

Exit code: 0 found, 1 nothing is known of that id, 2 it cannot be told.`;

const idPattern = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** @throws UsageError */
export function parseArguments(argv: string[]): TraceArguments {
  const { names, values } = namesAndOptionsIn(argv, { dir: { type: 'string' } });
  const { dir } = values;
  const [id, ...others] = names;
  if (dir === '') throw new UsageError('--dir needs a value');
  if (id === undefined || others.length > 0) throw new UsageError('name one order, reservation, payment or trace');
  if (!idPattern.test(id)) throw new UsageError(`"${id}" is no id: a UUID, or the 32 digits of a trace`);
  return { id, folder: dir };
}
