import { isExact } from '../lib/targets.ts';
import { metrics, spreadOf, type Metric, type Spread } from './figures.ts';
import type { ComparedStack } from './plan.ts';
import { driftOf, rateOf, remarksOf, spoiling, type Remark } from './remarks.ts';
import { resultOf, runsOf, type Comparison, type StackResult, type Trend } from './results.ts';
import { study } from './study.ts';
import { studyWinnerOf, winnerOf, type Winner } from './verdict.ts';

type PerStack<Value> = Partial<Record<ComparedStack, Value>>;

export interface Row {
  metric: string;
  unit: string;
  digits: number;
  ours: PerStack<Spread>;
  winner: Winner;
  /** Undefined where the study has no such figure. */
  theirs: Record<ComparedStack, number> | undefined;
  theirWinner: Winner | undefined;
  /** Theirs are of something else, or of what is not known. */
  unlikeStudy: boolean;
}

/** What a report says, in figures. */
export interface Summary {
  startedAt: string;
  quick: boolean;
  remarks: Remark[];
  machine: StackResult['machine'] | undefined;
  /** By how much the fastest yardstick exceeds the slowest: 1 for not at all. */
  drift: number | undefined;
  levels: { vus: number; rows: Row[] }[];
  yardsticks: PerStack<{ before: number | undefined; after: number | undefined }>;
  exactness: PerStack<{ race: string; answered: string; audit: string }>;
}

export function summaryOf(comparison: Comparison): Summary {
  const { startedAt, plan } = comparison;
  const remarks = remarksOf(comparison);
  const drift = driftOf(comparison);
  const perStack = <Value>(valueOf: (result: StackResult) => Value): PerStack<Value> =>
    Object.fromEntries(comparison.stacks.map((result) => [result.stack, valueOf(result)]));
  return {
    startedAt,
    quick: plan.quick,
    remarks,
    machine: comparison.stacks[0]?.machine,
    drift,
    levels: plan.levels.map((vus) => ({ vus, rows: rowsOf(comparison, vus, remarks, drift) })),
    yardsticks: perStack(({ yardsticks: { before, after } }) => ({
      before: before?.requestsPerSecond,
      after: after?.requestsPerSecond,
    })),
    exactness: perStack((result) => ({ race: raceOf(result), answered: answeredOf(result), audit: auditOf(result) })),
  };
}

function rowsOf(comparison: Comparison, vus: number, remarks: Remark[], drift: number | undefined): Row[] {
  const isSpoilt = comparison.plan.stacks.some((stack) => spoiling(remarks, stack, vus).length > 0);
  const row = (metric: Metric, ours: PerStack<Spread>): Row => {
    const { ofStudy, name, unit, digits, better, unlikeStudy = false } = metric;
    const figures = study[vus];
    const theirs = ofStudy && figures && { sync: ofStudy(figures.sync), async: ofStudy(figures.async) };
    return {
      metric: name,
      unit,
      digits,
      ours,
      winner: isSpoilt ? 'not judged' : winnerOf(metric, ours, drift),
      theirs,
      theirWinner: theirs && studyWinnerOf(better, theirs),
      unlikeStudy,
    };
  };
  const spreads = (ofResult: (result: StackResult) => Spread | undefined): PerStack<Spread> =>
    Object.fromEntries(
      comparison.plan.stacks.flatMap((stack) => {
        const result = resultOf(comparison, stack);
        const spread = result && ofResult(result);
        return spread ? [[stack, spread]] : [];
      }),
    );
  return [
    ...metrics.map((metric) =>
      row(
        metric,
        spreads((result) => spreadOf(runsOf(result, vus).map((run) => metric.ofRun(run, result)))),
      ),
    ),
    row(
      shareOfYardstick,
      spreads((result) => shareSpread(result, vus)),
    ),
  ];
}

/** What the machine can do at most goes out of it, so that it says more than requests/s on a machine that changes. */
const shareOfYardstick: Metric = {
  name: 'throughput as a share of the yardstick',
  unit: '',
  better: 'higher',
  followsMachine: false,
  digits: 3,
  ofRun: () => undefined,
};

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
