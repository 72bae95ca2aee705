import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../infra/launcher/whole-file.ts';
import { abortedBySignals, reasonOf } from './abort.ts';
import { resultsFolder } from './results-folder.ts';

/** One run of a command that measures: where its results go, and how it is ended before its time. */
export interface MeasuringRun {
  startedAt: string;
  /** The folder of its results. */
  results: string;
  /** For what stacks need on disk; goes away at the end. */
  scratch: string;
  say: (line: string) => void;
  /** Writes a file of results, whole or not at all. */
  keep: (file: string, content: unknown) => void;
  signal: AbortSignal;
}

/** What a command measures, and what it makes of it. */
export interface Measurement {
  /** Part of the name of its scratch folder. */
  name: string;
  measure: (run: MeasuringRun) => Promise<void>;
  /** Reports what was measured, also if it ended early, and why. @returns whether all is well */
  conclude: (run: MeasuringRun, failure: Error | undefined) => boolean | Promise<boolean>;
  /** Errors whose message says all there is to say. */
  expected?: (abstract new (...args: never[]) => Error)[];
}

/**
 * Measures and reports, and ends the process: with 0 if all is well, with 1 if not, with 130 after Ctrl-C. What was measured until
 * then is reported in any case.
 */
export async function runMeasurement(measurement: Measurement): Promise<never> {
  const startedAt = new Date().toISOString();
  const results = resultsFolder(startedAt);
  const signal = abortedBySignals();
  const run: MeasuringRun = {
    startedAt,
    results,
    scratch: join(import.meta.dirname, '../../.local', `${measurement.name}-${process.pid}`),
    say: (line) => console.log(line),
    keep: (file, content) => {
      mkdirSync(results, { recursive: true });
      writeWhole(join(results, file), content, 0o644);
    },
    signal,
  };
  process.exit(await exitCodeOf(run, measurement));
}

async function exitCodeOf(run: MeasuringRun, { measure, conclude, expected = [] }: Measurement): Promise<number> {
  let failure: Error | undefined;
  try {
    await measure(run);
  } catch (error) {
    failure = reasonOf(error, run.signal);
  } finally {
    await rm(run.scratch, { recursive: true, force: true });
  }
  let passed = false;
  try {
    passed = await conclude(run, failure);
  } catch (error) {
    console.error(error);
  }
  if (!failure) return passed ? 0 : 1;
  const speaksForItself = run.signal.aborted || expected.some((kind) => failure instanceof kind);
  console.error(speaksForItself ? failure.message : failure);
  return run.signal.aborted ? 130 : 1;
}
