export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** What we read of Jest's report. */
export interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  /** Files that could not even be loaded: their tests are counted nowhere. */
  numRuntimeErrorTestSuites: number;
  testResults: { assertionResults: { fullName: string; status: string }[] }[];
}

export function totalsOf(report: JestReport): Totals {
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const maxNamed = 30;

/** A line for each test that was not run, so that none is left out in silence; of very many (`-t`), how many more. */
export function skippedLines({ testResults }: JestReport): string[] {
  const names = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'pending' || status === 'todo')
    .map(({ fullName }) => `skipped: ${fullName}`);
  const more = names.length - maxNamed;
  return more > 0 ? [...names.slice(0, maxNamed), `skipped: ${more} more`] : names;
}

export function add(a: Totals, b: Totals): Totals {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** A run in which nothing passed proves nothing, so it fails too. */
export function verdictOf({ passed, failed, skipped }: Totals): { line: string; exitCode: number } {
  return {
    line: `${passed} passed, ${failed} failed, ${skipped} skipped`,
    exitCode: failed > 0 || passed === 0 ? 1 : 0,
  };
}
