import { journeys, measures, p95, requests } from '../turns/measures.ts';
import { quotients, undisturbed, type Pair } from '../turns/pairs.ts';
import { spreadOf, type Spread } from '../turns/statistics.ts';
import { resultOf, runsOf, type Comparison, type Run } from './results.ts';

/** A stack beside the first one, as so many times that in the same round. */
export interface Ratio {
  stack: string;
  measure: string;
  /** As measured, and without what the stacks took that stood beside at rest. */
  raw: Spread;
  corrected: Spread;
}

const ratioMeasures = [requests, journeys, p95, ...measures.filter(({ name }) => name === 'CPU a journey')];

/** Every other stack beside the first, round by round. */
export function ratiosOf(comparison: Comparison, vus: number): Ratio[] {
  const [first, ...others] = comparison.plan.stacks;
  const base = resultOf(comparison, first!);
  return others.flatMap((stack) => {
    const result = resultOf(comparison, stack);
    if (!base || !result) return [];
    const pairs = runsOf(result, vus).flatMap((run): Pair[] => {
      const other = runsOf(base, vus).find(({ repeat }) => repeat === run.repeat);
      return other ? [[turnOf(run, stack), turnOf(other, first!)]] : [];
    });
    return ratioMeasures.flatMap((measure): Ratio[] => {
      const raw = spreadOf(quotients(pairs, ({ load }) => measure.of(load)));
      const corrected = spreadOf(quotients(pairs, (turn) => undisturbed(measure, turn, result.machine.cores)));
      return raw && corrected ? [{ stack, measure: measure.name, raw, corrected }] : [];
    });
  });
}

function turnOf(run: Run, side: string): Pair[number] {
  const { vus, repeat: pair, settledSeconds = 0, beside } = run;
  return { pair, vus, side, load: run, settledSeconds, ...(beside ? { beside } : {}) };
}
