import { isExact, type AtRest, type CrowdResult, type Machine, type Trend } from '../lib/results.ts';
import { totalsAtRest } from '../lib/usage.ts';
import { metrics, spreadOf, type Metric, type Spread } from './figures.ts';
import { ratiosOf, type Ratio } from './ratios.ts';
import { driftOf, rateOf, remarksOf, spoiling, type Remark } from './remarks.ts';
import { resultOf, runsOf, type Comparison, type StackResult } from './results.ts';
import { study } from './study.ts';
import { notJudged, pairedWinnerOf, studyWinnerOf, winnerOf, type Winner } from './verdict.ts';

type PerStack<Value> = Partial<Record<string, Value>>;

export interface Row {
  metric: string;
  unit: string;
  digits: number;
  ours: PerStack<Spread>;
  winner: Winner;
  /** Of the stacks of the study alone; undefined where they were not all measured. */
  winnerOfStudied: Winner | undefined;
  /** Undefined where the study has no such figure. */
  theirs: Record<string, number> | undefined;
  theirWinner: Winner | undefined;
  /** Theirs are of something else, or of what is not known. */
  unlikeStudy: boolean;
}

/** What a report says, in figures. */
export interface Summary {
  startedAt: string;
  quick: boolean;
  paired: boolean;
  stacks: string[];
  remarks: Remark[];
  machine: Machine | undefined;
  /** By how much the fastest yardstick exceeds the slowest: 1 for not at all. */
  drift: number | undefined;
  levels: { vus: number; rows: Row[]; ratios: Ratio[] }[];
  yardsticks: PerStack<{ before: number | undefined; after: number | undefined }>;
  /** Requests/s of the yardstick, round by round. */
  yardstickRounds: number[];
  atRest: PerStack<AtRestFigures>;
  crowds: PerStack<CrowdResult>;
  exactness: PerStack<{ race: string; answered: string; audit: string }>;
}

export interface AtRestFigures {
  bytes: number;
  nodeBytes: number;
  /** Of all Node processes together, as a share of one core. */
  nodeCores: number | undefined;
}

export function summaryOf(comparison: Comparison): Summary {
  const { startedAt, plan } = comparison;
  const remarks = remarksOf(comparison);
  const drift = driftOf(comparison);
  const perStack = <Value>(valueOf: (result: StackResult) => Value | undefined): PerStack<Value> =>
    Object.fromEntries(
      comparison.stacks.flatMap((result) => {
        const value = valueOf(result);
        return value === undefined ? [] : [[result.stack, value]];
      }),
    );
  return {
    startedAt,
    quick: plan.quick,
    paired: plan.paired ?? false,
    stacks: plan.stacks,
    remarks,
    machine: comparison.stacks[0]?.machine,
    drift,
    levels: plan.levels.map((vus) => ({
      vus,
      rows: rowsOf(comparison, vus, remarks, drift),
      ratios: plan.paired ? ratiosOf(comparison, vus) : [],
    })),
    yardsticks: perStack(({ yardsticks: { before, after } }) => ({
      before: before?.requestsPerSecond,
      after: after?.requestsPerSecond,
    })),
    yardstickRounds: (comparison.yardsticks ?? []).map(({ requestsPerSecond }) => requestsPerSecond),
    atRest: perStack(({ atRest }) => atRest && atRestFigures(atRest)),
    crowds: perStack(({ crowd }) => crowd),
    exactness: perStack((result) => ({ race: raceOf(result), answered: answeredOf(result), audit: auditOf(result) })),
  };
}

function atRestFigures(atRest: AtRest[]): AtRestFigures {
  const { all, node } = totalsAtRest(atRest);
  return { bytes: all.pssBytes, nodeBytes: node.pssBytes, nodeCores: node.cores };
}

function rowsOf(comparison: Comparison, vus: number, remarks: Remark[], drift: number | undefined): Row[] {
  const { plan } = comparison;
  const isSpoilt = plan.stacks.some((stack) => spoiling(remarks, stack, vus).length > 0);
  const figures = study[vus];
  const studied = Object.keys(figures ?? {});
  const hasStudied = studied.length > 0 && studied.every((stack) => plan.stacks.includes(stack));
  return [...metrics, shareOfYardstick(comparison)].map((metric): Row => {
    const { ofStudy, name, unit, digits, better, unlikeStudy = false } = metric;
    const byRound: PerStack<Map<number, number>> = {};
    const ours: PerStack<Spread> = {};
    for (const stack of plan.stacks) {
      const result = resultOf(comparison, stack);
      if (!result) continue;
      byRound[stack] = valuesByRound(metric, result, vus);
      const spread = metric.ofResult?.(result, vus) ?? spreadOf([...byRound[stack].values()]);
      if (spread) ours[stack] = spread;
    }
    const winner = (stacks: string[]) => {
      if (isSpoilt) return notJudged;
      return plan.paired
        ? pairedWinnerOf(better, stacks, byRound, plan.repeats)
        : winnerOf(metric, stacks, ours, drift);
    };
    const theirs = ofStudy && figures && Object.fromEntries(studied.map((stack) => [stack, ofStudy(figures[stack]!)]));
    return {
      metric: name,
      unit,
      digits,
      ours,
      winner: winner(plan.stacks),
      winnerOfStudied: hasStudied ? winner(studied) : undefined,
      theirs,
      theirWinner: theirs && studyWinnerOf(better, theirs),
      unlikeStudy,
    };
  });
}

function valuesByRound(metric: Metric, result: StackResult, vus: number): Map<number, number> {
  const values = runsOf(result, vus).map((run) => [run.repeat, metric.ofRun(run, result)] as const);
  return new Map(values.flatMap(([round, value]) => (value === undefined ? [] : [[round, value] as const])));
}

/** What the machine can do at most goes out of it, so that it says more than requests/s on a machine that changes. */
function shareOfYardstick({ plan, yardsticks = [] }: Comparison): Metric {
  const about = {
    name: 'throughput as a share of the yardstick',
    unit: '',
    better: 'higher',
    followsMachine: false,
    digits: 3,
  } as const;
  if (!plan.paired) return { ...about, ofRun: () => undefined, ofResult: shareSpread };
  const ofRound = (round: number) => rateOf(yardsticks.find(({ repeat }) => repeat === round));
  const share = (rate: number, yardstick: number | undefined) =>
    yardstick === undefined ? undefined : rate / yardstick;
  return { ...about, ofRun: ({ repeat, requestsPerSecond }) => share(requestsPerSecond, ofRound(repeat)) };
}

/** As wide as the yardsticks of the stack allow: its lowest rate by the higher one, its highest by the lower one. */
function shareSpread(result: StackResult, vus: number): Spread | undefined {
  const rates = spreadOf(runsOf(result, vus).map((run) => run.requestsPerSecond));
  const { before, after } = result.yardsticks;
  const yardstick = spreadOf([rateOf(before), rateOf(after)]);
  if (!rates || !yardstick || yardstick.runs < 2) return undefined;
  return {
    mean: rates.mean / yardstick.mean,
    min: rates.min / yardstick.max,
    max: rates.max / yardstick.min,
    runs: rates.runs,
  };
}

function raceOf({ race }: StackResult): string {
  if (!race) return 'missing';
  const { sold, soldOut, other } = race;
  const outcome = `${sold} sold, ${soldOut} sold out, ${other} other`;
  return isExact(race) ? `exact: ${outcome}` : `NOT EXACT: ${outcome}`;
}

function answeredOf({ race }: StackResult): string {
  const within = (trend: Trend | undefined) => (trend ? Math.round(trend.p95).toLocaleString('en-US') : '–');
  return `${within(race?.soldTrend)}, ${within(race?.soldOutTrend)}`;
}

function auditOf({ audit }: StackResult): string {
  if (audit === undefined) return 'missing';
  if (typeof audit === 'string') return 'not run';
  return audit.passed ? 'passed' : 'FAILED';
}
