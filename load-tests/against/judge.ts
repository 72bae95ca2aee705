import { measures, type Measure } from '../turns/measures.ts';
import { pairsOf, type Pair } from '../turns/pairs.ts';
import type { Turn } from '../turns/results.ts';
import { medianOf, spreadOf, type Spread } from '../turns/statistics.ts';
import { sides, type AgainstResult, type Side } from './results.ts';

/** One measure at one level, over all pairs. */
export interface Compared {
  vus: number;
  measure: string;
  unit: string;
  decides: boolean;
  digits: number;
  /** The medians of each side by itself: how far off the machine was, not what to compare. */
  medians: Record<Side, number>;
  /** Of the ratios of each pair: above 1 this tree is the better one, whatever the measure. */
  ratio: Spread;
}

/** Below this by the median of the paired ratios, a tree is slower than the other. */
export const slowerBelow = 0.97;

/** How much better this tree is in one pair. Undefined where either was not measured. */
export function ratioOf({ better, of }: Pick<Measure, 'better' | 'of'>, [ours, theirs]: Pair): number | undefined {
  const [our, their] = [of(ours.load), of(theirs.load)];
  if (!our || !their) return undefined;
  return better === 'higher' ? our / their : their / our;
}

/** Every measure at every level, in order. A measure that no whole pair has is left out. */
export function compare(levels: number[], turns: Turn[]): Compared[] {
  return levels.flatMap((vus) => {
    const pairs = pairsOf(turns, vus, sides);
    return measures.flatMap((measure): Compared[] => {
      const ratio = spreadOf(pairs.map((pair) => ratioOf(measure, pair)).filter((one) => one !== undefined));
      if (!ratio) return [];
      const medians = Object.fromEntries(
        sides.map((side, at) => [side, medianOf(pairs.map((pair) => measure.of(pair[at]!.load) ?? 0))]),
      ) as Record<Side, number>;
      const { name, unit, decides, digits } = measure;
      return [{ vus, measure: name, unit, decides, digits, medians, ratio }];
    });
  });
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
export function isSlower({ decides, ratio }: Compared): boolean {
  return decides && ratio.median < slowerBelow;
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

export function inWords({ vus, measure, ratio: { median, between, confidence } }: Compared): string {
  const [low, high] = between;
  return `${vus} shoppers, ${measure}: ${ratioText(median)} (${ratioText(low)} to ${ratioText(high)} with ${percent(confidence)})`;
}

export function ratioText(ratio: number): string {
  return ratio.toFixed(3);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
