import { measures, type Measure } from '../turns/measures.ts';
import { pairsOf, ratiosIn, type Pair, type Ratios } from '../turns/pairs.ts';
import type { Turn } from '../turns/results.ts';
import { medianOf } from '../turns/statistics.ts';
import { sides, type AgainstResult, type Side } from './results.ts';

/**
 * One measure at one level, over all pairs. Above 1 this tree is the better one, whatever the measure. The corrected ratios decide:
 * a tree that is restless while the other has its turn would make that one look slower.
 */
export interface Compared extends Ratios {
  vus: number;
  measure: string;
  unit: string;
  decides: boolean;
  digits: number;
  /** The medians of each side by itself: how far off the machine was, not what to compare. */
  medians: Record<Side, number>;
}

/** Below this by the median of the corrected ratios, a tree is slower than the other. */
export const slowerBelow = 0.97;

/** Every measure at every level, in order, taken on a machine of so many cores. A measure that no whole pair has is left out. */
export function compare(levels: number[], turns: Turn[], cores: number): Compared[] {
  return levels.flatMap((vus) => {
    const pairs = pairsOf(turns, vus, sides);
    return measures.flatMap((measure): Compared[] => {
      const ratios = ratiosIn(betterFirst(measure, pairs), measure, cores);
      if (!ratios) return [];
      const medians = Object.fromEntries(
        sides.map((side, at) => [side, medianOf(pairs.map((pair) => measure.of(pair[at]!.load) ?? 0))]),
      ) as Record<Side, number>;
      const { name, unit, decides, digits } = measure;
      return [{ vus, measure: name, unit, decides, digits, medians, ...ratios }];
    });
  });
}

/** The turn that has the greater value where this tree is the better one first, as the ratio is of first to second. */
function betterFirst({ better }: Measure, pairs: Pair[]): Pair[] {
  return better === 'higher' ? pairs : pairs.map(([ours, theirs]) => [theirs, ours]);
}

/** Whatever makes this tree unfit, or leaves it unknown whether it is: a sentence each; none if all is well. */
export function problemsOf(result: Omit<AgainstResult, 'problems'>): string[] {
  const { turns, audit, brokenOff, compared, quick } = result;
  return [
    ...(brokenOff === undefined ? [] : [`broken off: ${brokenOff}`]),
    ...sides.flatMap((side) => failuresOf(side, turns)),
    ...(quick ? [] : compared.filter(isSlower).map((one) => `SLOWER: ${inWords(one)}`)),
    ...(brokenOff === undefined ? auditProblem(audit) : []),
  ];
}

/** Whether the ratio of a measure that decides is too low. */
export function isSlower({ decides, corrected }: Compared): boolean {
  return decides && corrected.median < slowerBelow;
}

function failuresOf(side: Side, turns: Turn[]): string[] {
  const loads = turns.filter((turn) => turn.side === side).map(({ load }) => load);
  const total = (key: 'failed' | 'wrong') => loads.reduce((sum, load) => sum + load[key], 0);
  const idle = loads.filter(({ journeys }) => journeys === 0).length;
  return [
    ...(total('failed') + total('wrong') > 0
      ? [`${side} tree: ${total('failed')} requests failed, ${total('wrong')} answers were wrong`]
      : []),
    ...(idle > 0 ? [`${side} tree: not one journey came to its end in ${idle} of ${loads.length} turns`] : []),
  ];
}

function auditProblem(audit: AgainstResult['audit']): string[] {
  if (typeof audit === 'string') return [`audit of this tree: not run: ${audit}`];
  return audit.passed ? [] : ['audit of this tree: FAILED'];
}

export function inWords({ vus, measure, raw, corrected: { median, between, confidence } }: Compared): string {
  const [low, high] = between.map(ratioText);
  return `${vus} shoppers, ${measure}: ${ratioText(median)} (${low} to ${high} with ${percent(confidence)}; raw ${ratioText(raw.median)})`;
}

export function ratioText(ratio: number): string {
  return ratio.toFixed(3);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
