import type { ArrivalsResult } from '../lib/arrivals.ts';
import type { BacklogResult } from '../lib/backlog.ts';
import { isExact, medianRun, type AtRest, type LoadResult, type RaceResult } from '../lib/results.ts';
import { totalsAtRest } from '../lib/usage.ts';
import { journeys, p95, requests, type Measure } from '../turns/measures.ts';
import { pairsOf, quotients } from '../turns/pairs.ts';
import type { Turn } from '../turns/results.ts';
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
  /** At rest, all processes. */
  idleBytes: number;
  crowd: CrowdGoals;
  fifty: FiftyGoals;
}
/** 500 shoppers. */
interface CrowdGoals {
  /** Requests as a share of the yardstick's. */
  share: number;
  /** Journeys as a share of the limit's. */
  ofLimit?: number;
  /** All requests: as so many times the limit's, or in ms where nothing is promised beside the limit. */
  p95OfLimit?: number;
  p95Ms?: number;
  /** All processes, in the turn that takes most. */
  bytes: number;
}
/** 50 shoppers. */
interface FiftyGoals {
  /** Journeys as a share of the limit's. */
  ofLimit?: number;
  /** p95: on a machine whose yardstick reaches so many requests/s, or where no yardstick is named, on any. */
  reserveMs: number;
  yardstick?: number;
}
const usualGoals: Goals = {
  idleBytes: 1.2e9,
  crowd: { share: 0.25, p95Ms: 400, bytes: 2e9 },
  fifty: { reserveMs: 60 },
};
/** By stack and layout; of somebody else's, of which neither is known, the usual ones. */
const ownGoals: Partial<Record<string, Goals>> = {
  sync: { ...usualGoals, crowd: { ...usualGoals.crowd, ofLimit: 0.42 } },
  'sync:shared': {
    idleBytes: 500e6,
    crowd: { share: 0.25, ofLimit: 0.66, p95OfLimit: 2.3, bytes: 1.2e9 },
    fifty: { ofLimit: 0.4, reserveMs: 80, yardstick: 7_500 },
  },
  async: { ...usualGoals, crowd: { share: 0.2, ofLimit: 0.3, p95Ms: 450, bytes: 2e9 }, fifty: { reserveMs: 80 } },
  'async:shared': {
    idleBytes: 700e6,
    crowd: { share: 0.2, ofLimit: 0.52, p95OfLimit: 3, bytes: 1.2e9 },
    fifty: { ofLimit: 0.3, reserveMs: 100, yardstick: 7_500 },
  },
  monolith: {
    idleBytes: 450e6,
    crowd: { share: 0.31, ofLimit: 0.8, p95OfLimit: 1.7, bytes: 1.2e9 },
    fifty: { ofLimit: 0.5, reserveMs: 60, yardstick: 7_500 },
  },
};
const aimedShare = 0.36;
/** One shopper, p95 of the whole journey. */
const oneJourneyMs = 40;
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
    ...(pairs ? crowdVerdicts(pairs, stack, goal.crowd) : []),
    ...(pairs ? fiftyVerdicts(pairs, stack, goal.fifty) : []),
    ...(result.one ? oneVerdicts(result.one) : []),
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

/**
 * That no request failed is judged by all runs, a latency in ms by the one in the middle, memory by the one that took most,
 * ratios by the median of their pairs.
 */
function crowdVerdicts(pairs: LimitPairs, stack: string, goal: CrowdGoals): Verdict[] {
  const runs = loadsOf(pairs, stack, 500);
  if (runs.length === 0) return [];
  const { p95Ms } = goal;
  return [
    noneFailed('500 shoppers', ...runs),
    ...(p95Ms === undefined ? [] : [below(`500 shoppers: p95 below ${p95Ms} ms`, medianRun(runs)?.all?.p95, p95Ms)]),
    ...limitVerdicts(pairs, 500, p95, goal.p95OfLimit),
    ...yardstickVerdicts(pairs, stack, goal.share),
    ...limitVerdicts(pairs, 500, journeys, goal.ofLimit),
    ...memoryVerdicts(runs, goal.bytes),
  ];
}

function yardstickVerdicts({ turns }: LimitPairs, stack: string, share: number): Verdict[] {
  const measured = medianOf(quotients(pairsOf(turns, 500, [stack, yardstickName]), ({ load }) => requests.of(load)));
  if (measured === undefined) return [];
  const verdict = (wanted: number): Verdict => ({
    target: `500 shoppers: ${wanted} of the yardstick`,
    measured: measured.toFixed(3),
    met: measured >= wanted,
  });
  return [verdict(share), { ...verdict(aimedShare), aim: true }];
}

/** By raw ratios. One that is not given leaves the target unmet: nobody knows. */
function limitVerdicts(
  { noRatio, beside }: LimitPairs,
  vus: number,
  { name, better }: Measure,
  wanted: number | undefined,
): Verdict[] {
  if (wanted === undefined) return [];
  const isShare = better === 'higher';
  const promise = isShare ? `${wanted} of the limit's ${name}` : `${name} at most ${wanted} times the limit's`;
  const target = `${vus} shoppers: ${promise}`;
  const measured = beside.find((one) => one.vus === vus && one.measure === name)?.raw.median;
  if (measured === undefined) return [{ target, measured: noRatio ?? 'nothing', met: false }];
  return [{ target, measured: measured.toFixed(3), met: isShare ? measured >= wanted : measured <= wanted }];
}

/** Of a stack whose processes are unknown nothing is said. */
function memoryVerdicts(runs: LoadResult[], limitBytes: number): Verdict[] {
  const known = runs.filter(({ usage }) => usage.length > 0);
  if (known.length === 0) return [];
  const most = Math.max(...known.map(({ usage }) => usage.reduce((sum, { peakBytes }) => sum + peakBytes, 0)));
  return [
    {
      target: `500 shoppers: memory at most ${limitBytes / 1e9} GB`,
      measured: `${(most / 1e9).toFixed(2)} GB`,
      met: most <= limitBytes,
    },
  ];
}

function fiftyVerdicts(pairs: LimitPairs, stack: string, goal: FiftyGoals): Verdict[] {
  const runs = loadsOf(pairs, stack, 50);
  if (runs.length === 0) return [];
  const reserve = medianOf(runs.flatMap(({ steps }) => steps['reserve']?.p95 ?? []));
  const { limitMs, reason } = reserveLimit(pairs.turns, goal);
  return [
    noneFailed('50 shoppers', ...runs),
    atMost(`50 shoppers: p95 of reserve at most ${limitMs} ms${reason}`, reserve, limitMs),
    ...limitVerdicts(pairs, 50, journeys, goal.ofLimit),
  ];
}

/** To a tenth of a ms: with half of the yardstick, twice the time; without a yardstick, just the time. */
function reserveLimit(turns: Turn[], { reserveMs, yardstick }: FiftyGoals): { limitMs: number; reason: string } {
  const ofYardstick = turns.filter(({ side }) => side === yardstickName);
  const reached = medianOf(ofYardstick.map(({ load }) => load.requestsPerSecond));
  if (yardstick === undefined || !reached) return { limitMs: reserveMs, reason: '' };
  return {
    limitMs: Math.round((10 * reserveMs * yardstick) / reached) / 10,
    reason: ` (${reserveMs} where the yardstick reaches ${yardstick} requests/s; here ${reached.toFixed(0)})`,
  };
}

function oneVerdicts(one: LoadResult): Verdict[] {
  return [
    noneFailed('one shopper', one),
    atMost(`one shopper: p95 of the journey at most ${oneJourneyMs} ms`, one.journey?.p95, oneJourneyMs),
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
