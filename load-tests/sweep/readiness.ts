import { objectives, promisedVus, readiness } from '../objectives.ts';
import type { BreakingPoint } from './breaking-point.ts';
import { complianceOf } from './judge.ts';
import { missingLevels, type Figure, type Level, type SweepResult } from './results.ts';
import { findSaturation } from './saturation.ts';

/** A line of the production-readiness checklist. */
export interface Line {
  question: string;
  answer: 'pass' | 'fail' | 'not measured';
  evidence: string;
}

/** Every line says on which figures it rests; what was not measured is said to be so, and never passes. */
export function checklist(result: SweepResult, breakingPoint: BreakingPoint): Line[] {
  const promised = result.levels.filter(({ vus }) => vus <= promisedVus);
  const top = promised.at(-1);
  return [
    complete(result),
    objectivesKept(promised, result),
    noneWrong(promised),
    room(breakingPoint),
    ...(top ? [processors(top, result.machine.cores), k6Share(top, result.machine.cores)] : []),
    gauge(
      top,
      'eventLoopDelayMs',
      'Event loops are free',
      readiness.maxEventLoopDelayMs,
      'ms late (p99 of the worst two seconds)',
    ),
    gauge(top, 'laneWaiting', 'Nobody queues for a transaction', readiness.maxLaneWaiting, 'waiting'),
    gauge(top, 'poolWaiting', 'Nobody queues for a database connection', readiness.maxPoolWaiting, 'waiting'),
    gauge(top, 'queueDepth', 'Queues are short', readiness.maxQueueDepth, 'messages'),
    gauge(top, 'outboxDepth', 'Outboxes are short', readiness.maxOutboxDepth, 'records'),
    memory(result.levels),
    audit(result.audit),
    {
      question: 'Ready for days of load, failures, backups, alerts',
      answer: 'not measured',
      evidence: 'a sweep takes minutes and breaks nothing; npm test attacks the shop with failures',
    },
  ];
}

function complete(result: SweepResult): Line {
  const missing = missingLevels(result);
  const finished = result.finishedAt !== undefined && result.brokenOff === undefined;
  const evidence =
    missing.length > 0 ? `without figures: ${missing.join(', ')} virtual users` : 'all levels have figures';
  return { question: 'Every level was measured', answer: missing.length === 0 && finished ? 'pass' : 'fail', evidence };
}

function objectivesKept(promised: Level[], { plannedVus }: SweepResult): Line {
  const question = `Objectives kept up to ${promisedVus} virtual users`;
  if (
    !promised.some(({ vus }) => vus === promisedVus) ||
    promised.length < plannedVus.filter((vus) => vus <= promisedVus).length
  ) {
    return { question, answer: 'not measured', evidence: `not all of the levels up to ${promisedVus} have figures` };
  }
  const all = promised.flatMap((level) => complianceOf(level, objectives).map((one) => ({ ...one, vus: level.vus })));
  const missed = all.filter(({ verdict }) => verdict === 'missed');
  const unknown = all.filter(({ verdict }) => verdict === 'not measured');
  if (missed.length > 0) {
    const first = Math.min(...missed.map(({ vus }) => vus));
    return {
      question,
      answer: 'fail',
      evidence: `${missed.length} of ${all.length} missed, the first at ${first} virtual users`,
    };
  }
  const evidence = `${all.length - unknown.length} of ${all.length} met`;
  return { question, answer: unknown.length > 0 ? 'not measured' : 'pass', evidence };
}

function noneWrong(promised: Level[]): Line {
  const question = `No request failed or was answered wrongly up to ${promisedVus}`;
  if (promised.length === 0) return { question, answer: 'not measured', evidence: 'no such level has figures' };
  const sum = (key: 'requests' | 'wrong' | 'failed') =>
    promised.flatMap((level) => Object.values(level.endpoints)).reduce((total, one) => total + one[key], 0);
  const evidence = `${sum('failed')} failed, ${sum('wrong')} wrong of ${sum('requests')}`;
  return { question, answer: sum('failed') + sum('wrong') === 0 ? 'pass' : 'fail', evidence };
}

function room({ vus, growsAt }: BreakingPoint): Line {
  const question = `Throughput still grows at ${promisedVus} virtual users`;
  if (vus !== undefined) {
    return { question, answer: vus >= promisedVus ? 'pass' : 'fail', evidence: `growth ends at ${vus}` };
  }
  return growsAt !== undefined && growsAt >= promisedVus
    ? { question, answer: 'pass', evidence: `it grows at ${growsAt}, the highest level` }
    : { question, answer: 'not measured', evidence: 'no breaking point that may be believed was found' };
}

function processors({ vus, resources: { busyCores, stolenCores = 0 } }: Level, cores: number): Line {
  const question = 'Processors have room';
  if (busyCores === undefined) return { question, answer: 'not measured', evidence: 'there is no /proc here' };
  const share = (busyCores + stolenCores) / cores;
  const answer = share < readiness.maxCpuShare ? 'pass' : 'fail';
  return {
    question,
    answer,
    evidence: `${(share * 100).toFixed(0)} % busy at ${vus}, at most ${readiness.maxCpuShare * 100} %`,
  };
}

function k6Share({ vus, resources: { k6Cores } }: Level, cores: number): Line {
  const question = 'The figures are of the shop, not of k6';
  if (k6Cores === undefined) return { question, answer: 'not measured', evidence: 'there is no /proc here' };
  const answer = k6Cores / cores <= readiness.maxK6Share ? 'pass' : 'fail';
  const share = ((k6Cores / cores) * 100).toFixed(0);
  return {
    question,
    answer,
    evidence: `k6 took ${share} % of the processors at ${vus}, at most ${readiness.maxK6Share * 100} %`,
  };
}

function gauge(top: Level | undefined, figure: Figure, question: string, limit: number, unit: string): Line {
  const services = top?.resources.services ?? [];
  const known = services.flatMap(({ name, [figure]: value }) => (value === undefined ? [] : [{ name, value }]));
  const worst = known.sort((one, other) => other.value - one.value)[0];
  if (!top || !worst) return { question, answer: 'not measured', evidence: 'no service tells of any' };
  const silent = services.filter(({ unanswered = 0 }) => unanswered > 0).map(({ name }) => name);
  const answer = worst.value > limit ? 'fail' : silent.length > 0 ? 'not measured' : 'pass';
  return {
    question,
    answer,
    evidence:
      `${worst.name}: ${worst.value.toFixed(0)} ${unit} at ${top.vus}, at most ${limit}` +
      (silent.length > 0 ? `; but ${silent.join(', ')} did not always answer` : ''),
  };
}

function memory(levels: Level[]): Line {
  const question = 'Memory does not run away';
  const [first, last] = [levels[0], levels.at(-1)];
  const growth = (last?.resources.processes ?? []).flatMap(({ name, peakBytes }) => {
    const before = first?.resources.processes.find((one) => one.name === name)?.peakBytes;
    return before ? [{ name, times: peakBytes / before }] : [];
  });
  const worst = growth.sort((one, other) => other.times - one.times)[0];
  if (!worst || first === last)
    return { question, answer: 'not measured', evidence: 'needs two levels and known processes' };
  const answer = worst.times <= readiness.maxMemoryGrowth ? 'pass' : 'fail';
  const range = `from ${first?.vus} to ${last?.vus} virtual users`;
  return {
    question,
    answer,
    evidence: `${worst.name}: × ${worst.times.toFixed(1)} ${range}, at most × ${readiness.maxMemoryGrowth}`,
  };
}

function audit(outcome: SweepResult['audit']): Line {
  const question = 'Nothing oversold, lost or charged twice (npm run audit)';
  if (typeof outcome === 'string') return { question, answer: 'not measured', evidence: outcome };
  return { question, answer: outcome.passed ? 'pass' : 'fail', evidence: outcome.output.split('\n').at(-1) ?? '' };
}

/** What to do, from what was used up at the level where growth ends; one line a resource. */
export function recommendations(
  result: SweepResult,
  { vus }: BreakingPoint,
): { vus: number; lines: string[] } | undefined {
  const level = result.levels.find((one) => one.vus >= (vus ?? Infinity)) ?? result.levels.at(-1);
  if (!level) return undefined;
  const found = findSaturation(level, result.machine.cores, readiness);
  return {
    vus: level.vus,
    lines: found.map(({ resource, evidence, advice }) => `${resource}: ${evidence}. Advice: ${advice}.`),
  };
}
