import { isExact, type LoadResult, type Machine } from '../lib/results.ts';
import { resultOf, runsOf, type Comparison, type StackResult } from './results.ts';

/** Something that a reader must know before the figures. */
export interface Remark {
  text: string;
  /** The stack and level whose figures it spoils; without a level, all of a stack; without a stack, everything. */
  stack?: string;
  vus?: number;
  /** Good to know, but nothing has failed. */
  isNote?: true;
}

/** How much slower the machine was at its slowest than at its fastest, by all yardsticks: 1 for not at all. */
export function driftOf({ plan, stacks, yardsticks = [] }: Comparison): number | undefined {
  const measured = plan.paired
    ? roundsOf(plan).map((round) => yardsticks.find(({ repeat }) => repeat === round))
    : stacks.flatMap(({ yardsticks: { before, after } }) => [before, after]);
  const rates = measured.map(rateOf);
  const known = rates.filter((rate) => rate !== undefined);
  if (known.length === 0 || known.length < rates.length) return undefined;
  return Math.max(...known) / Math.min(...known);
}

export const roundsOf = ({ repeats }: Comparison['plan']): number[] =>
  Array.from({ length: repeats }, (_, at) => at + 1);

/** Undefined if it failed, or was not measured. */
export function rateOf(load: LoadResult | undefined): number | undefined {
  return load && load.requestsPerSecond > 0 && load.failed === 0 ? load.requestsPerSecond : undefined;
}

const muchDrift = 1.1;
const muchForOthers = 0.05;

/** All that is missing, wrong or doubtful in a comparison. Nothing of it is left out of the figures in silence. */
export function remarksOf(comparison: Comparison): Remark[] {
  const { plan, finishedAt, brokenOff } = comparison;
  const remarks: Remark[] = [];
  if (plan.quick) {
    remarks.push({
      isNote: true,
      text: 'A quick look: one short run of each. It shows that everything works; none of its figures is worth quoting.',
    });
  }
  if (finishedAt === undefined) {
    remarks.push({ text: `It was not measured to its end: ${brokenOff ?? 'it ended without saying why'}.` });
  }
  const found = plan.stacks.flatMap((stack) => resultOf(comparison, stack) ?? []);
  const dirty = found.filter(({ machine }) => machine.commit.endsWith('-dirty')).map(({ stack }) => stack);
  if (dirty.length > 0) {
    remarks.push({ isNote: true, text: `Not of a commit, but of files changed since: ${dirty.join(' and ')}.` });
  }
  const [first, ...others] = found;
  for (const other of others) {
    const differs = first ? differencesOf(first.machine, other.machine) : [];
    if (differs.length > 0)
      remarks.push({
        stack: other.stack,
        text: `${other.stack} was measured elsewhere than ${first?.stack}: ${differs.join('; ')}. No winner is named.`,
      });
  }
  const drift = driftOf(comparison);
  if (drift !== undefined && drift > muchDrift) {
    remarks.push({
      isNote: true,
      text: `The machine changed its speed by ${Math.round((drift - 1) * 100)} % between the yardsticks; ${plan.paired ? 'only what was measured in one round can be compared' : 'smaller differences of latency and throughput say nothing'}.`,
    });
  }
  return [
    ...remarks,
    ...(plan.paired ? yardstickRemarks(comparison) : []),
    ...plan.stacks.flatMap((stack) => stackRemarks(comparison, stack)),
  ];
}

/** What spoils the figures of a level: with any of these no winner is named. */
export function spoiling(remarks: Remark[], stack: string, vus: number): Remark[] {
  return remarks.filter((remark) => remark.stack === stack && (remark.vus === undefined || remark.vus === vus));
}

function stackRemarks(comparison: Comparison, stack: string): Remark[] {
  const { plan } = comparison;
  const result = resultOf(comparison, stack);
  if (!result) return [{ stack, text: `${stack}: nothing was measured.` }];
  const remarks: Remark[] = [];
  const times = comparison.stacks.filter((one) => one.stack === stack).length;
  if (times > 1) remarks.push({ stack, text: `${stack} is there ${times} times; only the first is shown.` });
  for (const vus of plan.levels) remarks.push(...levelRemarks(result, vus, plan));
  const strange = result.runs.filter(({ vus }) => !plan.levels.includes(vus)).length;
  if (strange > 0) remarks.push({ text: `${stack}: ${strange} runs with other numbers of shoppers are not shown.` });
  const unseen = result.runs.filter(({ timeline }) => timeline.usage.services.length === 0).length;
  if (unseen > 0) {
    const text = `${stack}: what its processes used was not seen in ${unseen} of ${result.runs.length} runs.`;
    remarks.push({ isNote: true, text });
  }
  const disturbed = result.runs.filter(({ othersShare = 0 }) => othersShare > muchForOthers);
  if (disturbed.length > 0) {
    const shares = disturbed.map((run) => `${Math.round((run.othersShare ?? 0) * 100)} %`).join(', ');
    const text = `${stack}: in ${disturbed.length} of ${result.runs.length} runs others had a part of the machine: ${shares}.`;
    remarks.push({ isNote: true, text });
  }
  for (const at of plan.paired ? [] : (['before', 'after'] as const)) {
    const yardstick = result.yardsticks[at];
    if (!yardstick) remarks.push({ text: `${stack}: the yardstick ${at} the runs is missing.` });
    else if (rateOf(yardstick) === undefined) remarks.push({ text: `${stack}: the yardstick ${at} the runs failed.` });
  }
  return [...remarks, ...crowdRemarks(result, plan), ...exactnessRemarks(result)];
}

function yardstickRemarks({ plan, yardsticks = [] }: Comparison): Remark[] {
  return roundsOf(plan).flatMap((round) => {
    const yardstick = yardsticks.find(({ repeat }) => repeat === round);
    if (!yardstick) return [{ text: `The yardstick of round ${round} is missing.` }];
    return rateOf(yardstick) === undefined ? [{ text: `The yardstick of round ${round} failed.` }] : [];
  });
}

function levelRemarks(result: StackResult, vus: number, { repeats, seconds }: Comparison['plan']): Remark[] {
  const who = `${result.stack}, ${vus} shoppers`;
  const about = { stack: result.stack, vus };
  const runs = runsOf(result, vus);
  const turns = new Set(runs.map(({ repeat }) => repeat));
  const missing = repeats - turns.size;
  return [
    ...(missing > 0
      ? [{ ...about, text: `${who}: ${missing} of ${repeats} runs ${missing === 1 ? 'is' : 'are'} missing.` }]
      : []),
    ...(runs.length > turns.size ? [{ ...about, text: `${who}: the same run is there more than once.` }] : []),
    ...runs.flatMap(({ repeat, crossed, failed, wrong, requests, journeys, seconds: lasted }) => {
      const what = `${who}, run ${repeat}`;
      const troubles = [
        ...(lasted === seconds.run ? [] : [`it lasted ${lasted} s and not ${seconds.run} s`]),
        ...(journeys === 0 ? [`no journey came to its end`] : []),
        ...(failed > 0 ? [`${failed} of ${requests} requests failed`] : []),
        ...(wrong > 0 ? [`${wrong} journeys got a wrong answer`] : []),
        ...(crossed.length > 0 ? [`thresholds of k6 did not hold: ${crossed.join(', ')}`] : []),
      ];
      return troubles.length > 0 ? [{ ...about, text: `${what}: ${troubles.join('; ')}.` }] : [];
    }),
  ];
}

function crowdRemarks({ stack, crowd }: StackResult, plan: Comparison['plan']): Remark[] {
  if (!plan.crowd) return [];
  if (!crowd) return [{ text: `${stack}: the crowd that logs in is missing.` }];
  if (crowd.crossed.length === 0) return [];
  const { letIn, shoppers, crossed } = crowd;
  return [
    { text: `${stack}: of the crowd that logged in ${letIn} of ${shoppers} were let in; ${crossed.join(', ')}.` },
  ];
}

function exactnessRemarks({ stack, race, audit }: StackResult): Remark[] {
  const remarks: Remark[] = [];
  if (!race) remarks.push({ text: `${stack}: the race is missing.` });
  else if (!isExact(race)) {
    remarks.push({
      text: `${stack}: the race was not exact: ${race.sold} sold, ${race.soldOut} sold out, ${race.other} other, of ${race.buyers} for ${race.stock}.`,
    });
  }
  if (audit === undefined) remarks.push({ text: `${stack}: the audit is missing.` });
  else if (typeof audit === 'string') remarks.push({ text: `${stack}: the audit was not run: ${audit}.` });
  else if (!audit.passed) remarks.push({ text: `${stack}: the audit failed: ${audit.output.split('\n').at(-1)}` });
  return remarks;
}

/** In what two machines differ, the software that measured included. */
export function differencesOf(one: Machine, other: Machine): string[] {
  return (Object.keys(one) as (keyof Machine)[])
    .filter((key) => one[key] !== other[key])
    .map((key) => `${key} ${one[key]} and ${other[key]}`);
}
