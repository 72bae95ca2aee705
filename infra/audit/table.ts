import type { AuditReport, CheckResult } from './audit.ts';

/** What the numbers before the lines are. */
export const heading = 'Each check, after the number of the guarantee in README.md that it proves:\n';

/** One line of the table; widths are fixed, so that lines can be printed as the checks are done. */
export function lineOf({ invariant, title, counted, unit, ok }: CheckResult): string {
  const count = counted.toLocaleString('en-US').padStart(11);
  return `  ${invariant}  ${ok ? 'ok    ' : 'WRONG '} ${title.padEnd(66)} ${count} ${unit}`;
}

export function verdictOf({ verdict, checks, found }: AuditReport): string {
  switch (verdict) {
    case 'passed':
      return `All ${checks.length} checks passed: nothing is oversold, lost or charged twice.`;
    case 'failed':
      return [`Invariant ${checks.at(-1)?.invariant} does not hold:`, ...found.map((one) => `  ${one}`)].join('\n');
    case 'undecided':
      return `The audit cannot tell. ${found.join(' ')}`;
  }
}

export const exitCodes = { passed: 0, failed: 1, undecided: 2 } as const satisfies Record<
  AuditReport['verdict'],
  number
>;
