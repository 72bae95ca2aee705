import type { AfterSecond } from '../lib/arrivals.ts';
import { medianOf } from '../turns/statistics.ts';
import type { Verdict } from '../bench/targets.ts';
import type { OpenLevel, OpenResult } from './results.ts';

/** Of the best of its round. */
const goodputShare = 0.85;
/** With fewer of those who were to come it was a smaller load. */
const leastArrived = 0.95;
const normalWithinSeconds = 5;
/** Below it nobody is refused. */
const servesAllAt = 75;
/** A journey of the quiet time after the crowd is normal if it takes no longer than so many times one before it. */
const normalFactor = 2;

/** Judges what was measured. What was not measured has no verdict. */
export function judgeOpen(result: Pick<OpenResult, 'levels' | 'capacities' | 'audit'>): Verdict[] {
  const { levels, audit } = result;
  if (levels.length === 0) return [];
  const sum = (of: OpenLevel[], key: 'wrong' | 'shed') => of.reduce((total, level) => total + level[key], 0);
  const below = levels.filter(({ percent }) => percent <= servesAllAt);
  const times = levels
    .filter(({ after }) => after.length > 0)
    .map((level) => secondsToNormal(level, quietestOf(result, level)));
  return [
    {
      target: 'nobody is refused but at the beginning of a journey',
      measured: `${sum(levels, 'wrong')} other failures`,
      met: sum(levels, 'wrong') === 0,
    },
    ...(below.length === 0
      ? []
      : [
          {
            target: `up to ${servesAllAt} % of the capacity nobody is refused`,
            measured: `${sum(below, 'shed')} of ${below.reduce((total, { arrived }) => total + arrived, 0)}`,
            met: sum(below, 'shed') === 0,
          },
        ]),
    ...goodputVerdict(levels, result.capacities),
    ...(times.length === 0
      ? []
      : [
          {
            target: `after the crowd: back to normal within ${normalWithinSeconds} s`,
            measured: times.map((seconds) => (seconds === undefined ? 'not' : `${seconds} s`)).join(', '),
            met: times.every((seconds) => seconds !== undefined && seconds <= normalWithinSeconds),
          },
        ]),
    ...(typeof audit === 'object'
      ? [{ target: 'audit', measured: audit.passed ? 'passed' : 'failed', met: audit.passed }]
      : []),
  ];
}

function goodputVerdict(levels: OpenLevel[], capacities: number[]): Verdict[] {
  const rounds = goodputs({ levels, capacities });
  if (rounds.length === 0) return [];
  const share = medianOf(rounds.flatMap((round) => (round.arrived >= leastArrived ? round.share : [])));
  const most = Math.floor(100 * Math.max(...rounds.map(({ arrived }) => arrived)));
  return [
    {
      target: `beyond the capacity: journeys/s at least ${goodputShare} of the best of its round`,
      measured: share?.toFixed(3) ?? `only ${most} % of those who were to come did: k6 had no shopper free`,
      met: share !== undefined && share >= goodputShare,
    },
  ];
}

/**
 * Of the highest level, round by round: its journeys/s as a share of the best of the round, that of the closed loop among them; and what part
 * of those who were to come did.
 */
function goodputs({ levels, capacities }: Pick<OpenResult, 'levels' | 'capacities'>) {
  const highest = Math.max(...levels.map(({ percent }) => percent));
  if (highest <= 100) return [];
  return levels
    .filter(({ percent }) => percent === highest)
    .map(({ round, journeysPerSecond, arrived, rate, seconds }) => {
      const others = levels.filter((level) => level.round === round).map((level) => level.journeysPerSecond);
      const share = journeysPerSecond / Math.max(capacities[round - 1] ?? 0, ...others);
      return { share, arrived: arrived / (rate * seconds) };
    });
}

/** The p95 of a journey at the lowest level of the same round, if there was one. */
function quietestOf({ levels }: Pick<OpenResult, 'levels'>, { round }: OpenLevel): number | undefined {
  const [lowest] = levels.filter((level) => level.round === round).sort((a, b) => a.percent - b.percent);
  return lowest?.journey?.p95;
}

/**
 * How many seconds after the crowd those who come are served as before it, from then on: some came, none was refused, and their journeys at most
 * twice as long. Undefined if that was not so in the end, or nobody knows.
 */
export function secondsToNormal(
  { after }: { after: AfterSecond[] },
  quietP95Ms: number | undefined,
): number | undefined {
  if (quietP95Ms === undefined) return undefined;
  const isNormal = ({ arrived, shed, journey }: AfterSecond) =>
    arrived > 0 && shed === 0 && (journey === undefined || journey.p95 <= normalFactor * quietP95Ms);
  const last = after.findLastIndex((second) => !isNormal(second));
  return last === after.length - 1 ? undefined : last + 1;
}
