import { optionsIn, UsageError } from '../../infra/command-line.ts';

export interface CompareArguments {
  quick: boolean;
  /** A folder with kept results to publish instead of measuring. */
  publish: string | undefined;
}

export const usage = `usage: npm run compare [-- --quick | --publish DIR]

Measures the sync and the async stack, one after the other, and writes a report to load-tests/results/<time>/: about 30 minutes.

  --quick        one short run of each, under four minutes: a look, no figures
  --publish DIR  measures nothing: writes the results in DIR to docs/comparison.md and to the README's table

Exit code: 0 measured and all well, 1 something failed or is missing (the report says what), 2 the arguments are wrong,
130 broken off. What was measured is kept in any case.`;

/** @throws UsageError */
export function parseArguments(argv: string[]): CompareArguments {
  const { quick = false, publish } = optionsIn(argv, { quick: { type: 'boolean' }, publish: { type: 'string' } });
  if (quick && publish !== undefined) throw new UsageError('what is published was measured before: no --quick with it');
  return { quick, publish };
}
