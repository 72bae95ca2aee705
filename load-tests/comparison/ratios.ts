import { journeys, measures, p95, requests } from '../turns/measures.ts';
import { ratiosIn, type Pair, type Ratios } from '../turns/pairs.ts';
import { resultOf, runsOf, type Comparison, type Run } from './results.ts';

/** A stack beside the first one, as so many times that in the same round. */
export interface Ratio extends Ratios {
  stack: string;
  measure: string;
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
      const ratios = ratiosIn(pairs, measure, result.machine.cores);
      return ratios ? [{ stack, measure: measure.name, ...ratios }] : [];
    });
  });
}

function turnOf(run: Run, side: string): Pair[number] {
  const { vus, repeat: pair, settledSeconds = 0, beside } = run;
  return { pair, vus, side, load: run, settledSeconds, ...(beside ? { beside } : {}) };
}
