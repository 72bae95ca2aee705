import type { ArrivalsResult } from '../lib/arrivals.ts';
import type { BacklogResult } from '../lib/backlog.ts';
import { isExact, medianRun, type AtRest, type LoadResult, type RaceResult } from '../lib/results.ts';
import { totalsAtRest } from '../lib/usage.ts';
import { journeys, requests } from '../turns/measures.ts';
import { pairsOf, quotients } from '../turns/pairs.ts';
import { medianOf } from '../turns/statistics.ts';
import { yardstickName } from './limit-pairs.ts';
import type { BenchResult, LimitPairs } from './results.ts';

/** One promise about speed, size or exactness, and whether it was kept. */
export interface Verdict {
  target: string;
  measured: string;
  met: boolean;
  /** Something to aim at beyond the target; missing it is no failure. */
  aim?: boolean;
}

interface Goals {
  p95Ms: number;
  /** Requests as a share of the yardstick's. */
  share: number;
  /** 500 shoppers: journeys as a share of the limit's. */
  ofLimit?: number;
  /** 50 shoppers, p95. */
  reserveMs: number;
  /** One shopper, p95: of the whole journey, and of reserve. */
  oneJourneyMs?: number;
  oneReserveMs?: number;
  /** At rest, all processes. */
  idleBytes: number;
}
const usualGoals: Goals = { p95Ms: 400, share: 0.25, reserveMs: 60, oneJourneyMs: 60, idleBytes: 1.2e9 };
const ofBroker: Goals = { p95Ms: 450, share: 0.2, reserveMs: 80, oneReserveMs: 25, idleBytes: 1.2e9 };
/** By stack and layout; of those that have none of their own, and of somebody else's, the usual ones. */
const ownGoals: Partial<Record<string, Goals>> = {
  'sync:shared': { ...usualGoals, ofLimit: 0.5, idleBytes: 500e6 },
  async: ofBroker,
  'async:shared': { ...ofBroker, ofLimit: 0.36, idleBytes: 700e6 },
  // 0.62 of the limit, which reaches half of the yardstick.
  monolith: { ...usualGoals, share: 0.31, ofLimit: 0.62, idleBytes: 450e6 },
};
const aimedShare = 0.36;
/** Reserving without waiting for the outcome, p95, at three quarters of the capacity. */
const openReserveMs = 200;
/** A sale in processor time, as so many refusals. */
const refusalsOfSale = 3;
const backlogPerSecond = 5_000;
/** All Node processes together, of one core. */
const restCores = 0.06;

/** Judges what was measured. What was not measured has no verdict. */
export function judge(result: Omit<BenchResult, 'verdicts'>): Verdict[] {
  const goal = ownGoals[result.stack] ?? usualGoals;
  const { pairs, stack } = result;
  return [
    ...(result.idle ? restVerdicts(result.idle, goal) : []),
    ...(pairs ? crowdVerdicts(pairs, stack, goal) : []),
    ...(pairs ? fiftyVerdicts(loadsOf(pairs, stack, 50), goal) : []),
    ...(result.one ? oneVerdicts(result.one, goal) : []),
    ...(result.accepted ?? []).map((load) => noneFailed(`${load.vus} shoppers who do not wait`, load)),
    ...(result.open ? openVerdicts(result.open) : []),
    ...(result.race ? raceVerdicts(result.race, result.saleForAll) : []),
    ...(result.backlog ? backlogVerdicts(result.backlog) : []),
    ...(typeof result.audit === 'object' ? [auditVerdict(result.audit.passed)] : []),
  ];
}

function restVerdicts(atRest: AtRest[], { idleBytes }: Goals): Verdict[] {
  const { all, node } = totalsAtRest(atRest);
  return [
    {
      target: `at rest: below ${idleBytes / 1e9} GB`,
      measured: `${(all.pssBytes / 1e9).toFixed(2)} GB`,
      met: all.pssBytes < idleBytes,
    },
    ...(node.cores === undefined
      ? []
      : [
          {
            target: `at rest: Node processes at most ${100 * restCores} % of a core`,
            measured: `${(100 * node.cores).toFixed(1)} %`,
            met: node.cores <= restCores,
          },
        ]),
  ];
}

function loadsOf({ turns }: LimitPairs, stack: string, vus: number): LoadResult[] {
  return turns.filter((turn) => turn.side === stack && turn.vus === vus).map(({ load }) => load);
}

/** Latency is judged by the run in the middle; that no request failed, by all of them; shares, by the median of their pairs. */
function crowdVerdicts(pairs: LimitPairs, stack: string, goal: Goals): Verdict[] {
  const runs = loadsOf(pairs, stack, 500);
  if (runs.length === 0) return [];
  const ofYardstick = quotients(pairsOf(pairs.turns, 500, [stack, yardstickName]), ({ load }) => requests.of(load));
  const ofLimit = pairs.beside.find(({ vus, measure }) => vus === 500 && measure === journeys.name)?.raw.median;
  const share = (of: string, wanted: number, measured: number | undefined, more: Partial<Verdict> = {}) =>
    measured === undefined
      ? []
      : [
          {
            target: `500 shoppers: ${wanted} of the ${of}`,
            measured: measured.toFixed(3),
            met: measured >= wanted,
            ...more,
          },
        ];
  return [
    noneFailed('500 shoppers', ...runs),
    below(`500 shoppers: p95 below ${goal.p95Ms} ms`, medianRun(runs)?.all?.p95, goal.p95Ms),
    ...share('yardstick', goal.share, medianOf(ofYardstick)),
    ...share('yardstick', aimedShare, medianOf(ofYardstick), { aim: true }),
    ...(goal.ofLimit === undefined ? [] : limitVerdicts(pairs, goal.ofLimit, ofLimit)),
  ];
}

/** A limit that is none leaves the target unmet: nobody knows. */
function limitVerdicts({ noRatio }: LimitPairs, wanted: number, measured: number | undefined): Verdict[] {
  const target = `500 shoppers: ${wanted} of the limit's journeys`;
  if (measured === undefined) return [{ target, measured: noRatio ?? 'nothing', met: false }];
  return [{ target, measured: measured.toFixed(3), met: measured >= wanted }];
}

function fiftyVerdicts(runs: LoadResult[], goal: Goals): Verdict[] {
  const p95 = medianOf(runs.flatMap(({ steps }) => steps['reserve']?.p95 ?? []));
  if (runs.length === 0) return [];
  return [
    noneFailed('50 shoppers', ...runs),
    atMost(`50 shoppers: p95 of reserve at most ${goal.reserveMs} ms`, p95, goal.reserveMs),
  ];
}

function oneVerdicts(one: LoadResult, { oneJourneyMs, oneReserveMs }: Goals): Verdict[] {
  const within = (what: string, measured: number | undefined, limitMs: number | undefined) =>
    limitMs === undefined ? [] : [atMost(`one shopper: p95 of ${what} at most ${limitMs} ms`, measured, limitMs)];
  return [
    noneFailed('one shopper', one),
    ...within('the journey', one.journey?.p95, oneJourneyMs),
    ...within('reserve', one.steps['reserve']?.p95, oneReserveMs),
  ];
}

function openVerdicts({ arrived, shed, wrong, steps }: ArrivalsResult): Verdict[] {
  const who = 'shoppers at three quarters of the capacity';
  return [
    {
      target: `${who}: none refused, none failed`,
      measured: `${shed} refused, ${wrong} failed, of ${arrived}`,
      met: arrived > 0 && shed === 0 && wrong === 0,
    },
    atMost(`${who}: p95 of reserve without waiting at most ${openReserveMs} ms`, steps['reserve']?.p95, openReserveMs),
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

function raceVerdicts(race: RaceResult, saleForAll: RaceResult | undefined): Verdict[] {
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
    ...refusalVerdicts(race, saleForAll),
  ];
}

/** What a sale costs, those tell of whom each got one; what a refusal does, is what a race with few units took beside its sales. */
function refusalVerdicts(race: RaceResult, saleForAll: RaceResult | undefined): Verdict[] {
  if (!saleForAll?.cpuSeconds || race.cpuSeconds === undefined || saleForAll.sold === 0 || race.soldOut === 0)
    return [];
  const saleMs = (1_000 * saleForAll.cpuSeconds) / saleForAll.sold;
  const refusalMs = (1_000 * race.cpuSeconds - race.sold * saleMs) / race.soldOut;
  return [
    {
      target: `race: a refusal takes at most 1/${refusalsOfSale} of the processor time of a sale`,
      measured: `${refusalMs.toFixed(2)} ms against ${saleMs.toFixed(2)} ms`,
      met: isExact(saleForAll) && refusalMs * refusalsOfSale <= saleMs,
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
