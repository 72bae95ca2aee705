import type { StackName } from '@flash-sale/shared/stacks.ts';
import { medianRun, type BacklogResult, type BenchResult, type LoadResult, type RaceResult } from './results.ts';

/** One promise about speed, size or exactness, and whether it was kept. */
export interface Verdict {
  target: string;
  measured: string;
  met: boolean;
  /** Something to aim at beyond the target; missing it is no failure. */
  aim?: boolean;
}

interface Goals {
  /** Memory of all processes at rest. */
  idleBytes: number;
  p95Ms: number;
  /** Requests as a share of the yardstick's. */
  share: number;
  /** 50 shoppers, p95. */
  reserveMs: number;
  /** One shopper, p95: of the whole journey, and of reserve. */
  oneJourneyMs?: number;
  oneReserveMs?: number;
}
/** Of every stack that has none of its own, and of somebody else's. */
const usualGoals: Goals = { idleBytes: 1.2e9, p95Ms: 400, share: 0.25, reserveMs: 60, oneJourneyMs: 60 };
const ownGoals: Partial<Record<string, Goals>> = {
  async: { idleBytes: 1.2e9, p95Ms: 450, share: 0.2, reserveMs: 80, oneReserveMs: 25 },
  // 0.62 of the limit, which reaches half of the yardstick.
  monolith: { ...usualGoals, idleBytes: 450e6, share: 0.31 },
} satisfies Partial<Record<StackName, Goals>>;
const aimedShare = 0.36;
const acceptedLimitMs = 150;
const backlogPerSecond = 5_000;

/** Judges what was measured. What was not measured has no verdict. */
export function judge(result: Omit<BenchResult, 'verdicts'>): Verdict[] {
  const goal = ownGoals[result.stack] ?? usualGoals;
  const checkout = medianRun(result.checkout ?? []);
  return [
    ...(result.idle ? [idleVerdict(result.idle, goal)] : []),
    ...(checkout?.vus === 500 ? crowdVerdicts(checkout, result.checkout ?? [], result.yardstick, goal) : []),
    ...(result.fifty ? fiftyVerdicts(result.fifty, goal) : []),
    ...(result.one ? oneVerdicts(result.one, goal) : []),
    ...(result.accepted ?? []).flatMap(acceptedVerdicts),
    ...(result.race ? raceVerdicts(result.race) : []),
    ...(result.backlog ? backlogVerdicts(result.backlog) : []),
    ...(typeof result.audit === 'object' ? [auditVerdict(result.audit.passed)] : []),
  ];
}

function idleVerdict(idle: NonNullable<BenchResult['idle']>, { idleBytes }: Goals): Verdict {
  const bytes = idle.reduce((sum, { pssBytes }) => sum + pssBytes, 0);
  return {
    target: `at rest: below ${idleBytes / 1e9} GB`,
    measured: `${(bytes / 1e9).toFixed(2)} GB`,
    met: bytes < idleBytes,
  };
}

/** Speed is judged by the run in the middle; that no request failed, by all of them. */
function crowdVerdicts(
  checkout: LoadResult,
  runs: LoadResult[],
  yardstick: LoadResult | undefined,
  goal: Goals,
): Verdict[] {
  const ratio = yardstick && checkout.requestsPerSecond / yardstick.requestsPerSecond;
  return [
    noneFailed('500 shoppers', ...runs),
    below(`500 shoppers: p95 below ${goal.p95Ms} ms`, checkout.all?.p95, goal.p95Ms),
    ...(ratio === undefined
      ? []
      : [
          {
            target: `500 shoppers: ${goal.share} of the yardstick`,
            measured: ratio.toFixed(3),
            met: ratio >= goal.share,
          },
          {
            target: `500 shoppers: ${aimedShare} of the yardstick`,
            measured: ratio.toFixed(3),
            met: ratio >= aimedShare,
            aim: true,
          },
        ]),
  ];
}

function fiftyVerdicts(fifty: LoadResult, goal: Goals): Verdict[] {
  return [
    noneFailed('50 shoppers', fifty),
    atMost(`50 shoppers: p95 of reserve at most ${goal.reserveMs} ms`, fifty.steps.reserve?.p95, goal.reserveMs),
  ];
}

function oneVerdicts(one: LoadResult, { oneJourneyMs, oneReserveMs }: Goals): Verdict[] {
  const within = (what: string, measured: number | undefined, limitMs: number | undefined) =>
    limitMs === undefined ? [] : [atMost(`one shopper: p95 of ${what} at most ${limitMs} ms`, measured, limitMs)];
  return [
    noneFailed('one shopper', one),
    ...within('the journey', one.journey?.p95, oneJourneyMs),
    ...within('reserve', one.steps.reserve?.p95, oneReserveMs),
  ];
}

function acceptedVerdicts(accepted: LoadResult): Verdict[] {
  const who = `${accepted.vus} shoppers who do not wait`;
  const within = `${who}: p95 of reserve at most ${acceptedLimitMs} ms`;
  const isCrowd = accepted.vus === 500;
  return [
    noneFailed(who, accepted),
    ...(isCrowd ? [atMost(within, accepted.steps.reserve?.p95, acceptedLimitMs)] : []),
  ];
}

function backlogVerdicts({ events, eventsPerSecond, counted }: BacklogResult): Verdict[] {
  const counts = Object.entries(counted);
  return [
    {
      target: `backlog: each of ${events} requests held, its reservation and order told`,
      measured: counts.map(([what, count]) => `${what} ${count}`).join(', '),
      met: counts.every(([, count]) => count === events),
    },
    {
      target: `backlog: at least ${backlogPerSecond} a second`,
      measured: eventsPerSecond.toFixed(0),
      met: eventsPerSecond >= backlogPerSecond,
    },
  ];
}

/** As many have bought as there were units, and everybody else has heard so. */
export function isExact({
  buyers,
  stock,
  sold,
  soldOut,
  other,
  crossed,
}: Pick<RaceResult, 'buyers' | 'stock' | 'sold' | 'soldOut' | 'other' | 'crossed'>): boolean {
  const winners = Math.min(stock, buyers);
  return sold === winners && soldOut === buyers - winners && other === 0 && crossed.length === 0;
}

function raceVerdicts(race: RaceResult): Verdict[] {
  const winners = Math.min(race.stock, race.buyers);
  const sold = race.soldTrend?.p95;
  const soldOut = race.soldOutTrend?.p95;
  return [
    {
      target: `race: exactly ${winners} sold, ${race.buyers - winners} sold out`,
      measured: `${race.sold} sold, ${race.soldOut} sold out, ${race.other} other`,
      met: isExact(race),
    },
    {
      target: 'race: sold out is answered faster than sold (p95)',
      measured: `${milliseconds(soldOut)} against ${milliseconds(sold)}`,
      met: sold !== undefined && soldOut !== undefined && soldOut < sold,
    },
  ];
}

function auditVerdict(passed: boolean): Verdict {
  return {
    target: 'audit: nothing oversold, lost or charged twice',
    measured: passed ? 'passed' : 'failed',
    met: passed,
  };
}

function noneFailed(who: string, ...loads: LoadResult[]): Verdict {
  const total = (key: 'failed' | 'wrong' | 'journeys') => loads.reduce((sum, load) => sum + load[key], 0);
  return {
    target: `${who}: no request failed`,
    measured: `${total('failed')} failed, ${total('wrong')} wrong, ${total('journeys')} journeys`,
    met: loads.every(({ failed, wrong, journeys }) => failed === 0 && wrong === 0 && journeys > 0),
  };
}

function below(target: string, measured: number | undefined, limitMs: number): Verdict {
  return { target, measured: milliseconds(measured), met: measured !== undefined && measured < limitMs };
}

function atMost(target: string, measured: number | undefined, limitMs: number): Verdict {
  return { target, measured: milliseconds(measured), met: measured !== undefined && measured <= limitMs };
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? 'nothing' : `${value.toFixed(1)} ms`;
}
