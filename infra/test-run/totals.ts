import { stripVTControlCharacters } from 'node:util';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, a line each: its name and why, of a long text its beginning and its end. */
  failures: string[];
}

export const nothingRun: Totals = { passed: 0, failed: 0, skipped: 0, failures: [] };

/** What we read of Jest's report. */
export interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  /** Files that could not even be loaded: their tests are counted nowhere. */
  numRuntimeErrorTestSuites: number;
  testResults: {
    /** The file. */
    name: string;
    /** Of a file that could not be loaded why. */
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

export function totalsOf(report: JestReport): Totals {
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: failuresOf(report),
  };
}

function failuresOf({ testResults }: JestReport): string[] {
  return testResults.flatMap(({ name, message, assertionResults }) =>
    assertionResults.length === 0 && message !== ''
      ? [`${name}: ${inOneLine(message)}`]
      : assertionResults
          .filter(({ status }) => status === 'failed')
          .map(({ fullName, failureMessages }) => `${fullName}: ${inOneLine(failureMessages.join(' '))}`),
  );
}

/** In one line, without colours, blanks that follow each other, and where in the code it was. */
function inOneLine(message: string): string {
  const [words = ''] = stripVTControlCharacters(message).split(/\n\s+at /);
  const line = words.replace(/\s+/g, ' ').trim();
  // Of the output of a program it is the end that says why.
  return line.length <= 2 * maxLetters ? line : `${line.slice(0, maxLetters)} … ${line.slice(-maxLetters)}`;
}

const maxNamed = 30;
const maxLetters = 300;

/** A line for each test that was not run, so that none is left out in silence; of very many (`-t`), how many more. */
export function skippedLines({ testResults }: JestReport): string[] {
  const names = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'pending' || status === 'todo')
    .map(({ fullName }) => fullName);
  return linesOf('skipped', names);
}

function linesOf(what: string, names: string[]): string[] {
  const more = names.length - maxNamed;
  return [...names.slice(0, maxNamed), ...(more > 0 ? [`${more} more`] : [])].map((name) => `${what}: ${name}`);
}

export function add(a: Totals, b: Totals): Totals {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
  };
}

/** A run in which nothing passed proves nothing, so it fails too. What failed is said again at the end, where it is looked for. */
export function verdictOf({ passed, failed, skipped, failures }: Totals): { lines: string[]; exitCode: number } {
  return {
    lines: [...linesOf('failed', failures), `${passed} passed, ${failed} failed, ${skipped} skipped`],
    exitCode: failed > 0 || passed === 0 ? 1 : 0,
  };
}
