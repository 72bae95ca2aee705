import { measures, requests } from '../turns/measures.ts';
import { pairsOf, quotients, ratiosIn } from '../turns/pairs.ts';
import type { Turn } from '../turns/results.ts';
import { medianOf, spreadOf } from '../turns/statistics.ts';
import type { BesideLimit, LimitPairs } from './results.ts';

export const limitName = 'limit';
export const yardstickName = 'yardstick';

/** The least share of the yardstick's requests/s that makes a limit: a weak one would lift every ratio. */
export const minLimitShare = 0.5;

/**
 * Sets a stack beside the limit, pair by pair, on a machine of so many cores. No ratio is given where the limit is none, or the
 * processes of the stack are not known: they may be on another machine, and what they take of this one cannot be taken off.
 */
export function besideLimit(
  { turns, levels, discrepancies }: Pick<LimitPairs, 'turns' | 'levels' | 'discrepancies'>,
  stack: string,
  cores: number,
  isKnown = true,
): LimitPairs {
  const ofYardstick = pairsOf(turns, Math.max(...levels), [limitName, yardstickName]);
  const limitShare = spreadOf(quotients(ofYardstick, ({ load }) => requests.of(load)));
  const weakness = isKnown
    ? weaknessOf(turns, limitShare?.median, discrepancies)
    : 'the processes of the stack are not known (--stack-file)';
  return {
    levels,
    turns,
    limitShare,
    discrepancies,
    ...(weakness === undefined ? {} : { noRatio: weakness }),
    beside: weakness === undefined ? levels.flatMap((vus) => measuredBeside(turns, vus, stack, cores)) : [],
  };
}

function weaknessOf(turns: Turn[], share: number | undefined, discrepancies: string[]): string | undefined {
  const ofLimit = turns.filter(({ side }) => side === limitName);
  const wrong = ofLimit.filter(({ load }) => load.failed + load.wrong > 0 || load.journeys === 0);
  if (wrong.length > 0) return `the limit failed in ${wrong.length} of ${ofLimit.length} turns`;
  if (discrepancies.length > 0) return `the limit is not exact: ${discrepancies.join('; ')}`;
  if (share === undefined) return 'limit and yardstick were not measured in one round';
  if (share >= minLimitShare) return undefined;
  return `the limit reached ${share.toFixed(2)} of the yardstick's requests/s, less than ${minLimitShare}: a weak limit would lift every ratio`;
}

function measuredBeside(turns: Turn[], vus: number, stack: string, cores: number): BesideLimit[] {
  const pairs = pairsOf(turns, vus, [stack, limitName]);
  return measures.flatMap((measure): BesideLimit[] => {
    const { name, unit, digits, of } = measure;
    const ratios = ratiosIn(pairs, measure, cores);
    if (!ratios) return [];
    const median = (at: 0 | 1) => medianOf(pairs.flatMap((pair) => of(pair[at].load) ?? [])) ?? 0;
    return [{ vus, measure: name, unit, digits, medians: { stack: median(0), limit: median(1) }, ...ratios }];
  });
}
