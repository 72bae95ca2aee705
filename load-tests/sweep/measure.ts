import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchStack } from '../lib/bench-stack.ts';
import { runAudit } from '../lib/audit.ts';
import { countOf, passesOf, trendOf, type K6Summary } from '../lib/k6-summary.ts';
import { measured, type Target } from '../lib/load.ts';
import { LogIns } from '../lib/log-ins.ts';
import { readMachineCpu, type MachineCpu } from '../lib/procfs.ts';
import type { UsageSample } from '../lib/usage.ts';
import { endpoints } from '../objectives.ts';
import { secondsOf, type SweepArguments } from './arguments.ts';
import type { Level, Resources, SweepResult } from './results.ts';
import { watchServices } from './service-metrics.ts';
import { reasonOf } from '@flash-sale/shared/reason-of.ts';

export interface SweepContext {
  say: (text: string) => void;
  /** Keeps what has been measured so far; called after each level. */
  keep: () => void;
  signal: AbortSignal;
}

/** The first part of a level, in which all shoppers take the same step at the same moment. */
const rampShare = 0.25;
const betweenLevelsMs = 2_000;
/** Not measured: ten processes have to compile what they are about to do. */
const warmUp = { vus: 100, usualSeconds: 60, quickSeconds: 15 };
/** Accounts that the virtual users share: to learn the passwords of all would take longer than a quick sweep. */
const accounts = { usual: 500, quick: 250 };

/**
 * Takes the planned levels one after the other and adds to `result` what it finds. A level that k6 could not measure is noted
 * with the reason, and the next one is tried. Throws when aborted.
 */
export async function measureLevels(
  result: SweepResult,
  args: SweepArguments,
  stack: BenchStack,
  { say, keep, signal }: SweepContext,
): Promise<void> {
  const shoppers = Math.min(args.quick ? accounts.quick : accounts.usual, Math.max(...result.plannedVus));
  const logIns = new LogIns(shoppers, say);
  await logIns.refresh(stack.target());
  const warmUpSeconds = args.quick ? warmUp.quickSeconds : warmUp.usualSeconds;
  say(`warming up for ${warmUpSeconds} s`);
  await measureLevel(stack.target(), [], { vus: warmUp.vus, seconds: warmUpSeconds, shoppers });
  for (const vus of result.plannedVus) {
    await logIns.refresh(stack.target());
    await sleep(betweenLevelsMs, undefined, { signal }); // the stack ends what it still has to do
    const seconds = secondsOf(vus, args);
    say(`${vus} virtual users for ${seconds} s`);
    try {
      const level = await measureLevel(stack.target(), stack.services, { vus, seconds, shoppers });
      result.levels.push(level);
      say(`  ${level.requestsPerSecond.toFixed(0)} requests/s, p95 ${level.all?.p95.toFixed(0) ?? '?'} ms`);
    } catch (error) {
      signal.throwIfAborted();
      const reason = reasonOf(error);
      result.failures.push({ vus, reason });
      say(`  not measured: ${reason.split('\n')[0]}`);
    }
    keep();
  }
  say('audit');
  const audit = await runAudit(stack.stackFile, signal);
  signal.throwIfAborted(); // Ctrl-C ends the audit, too, which then has found nothing
  result.audit = audit;
}

async function measureLevel(
  target: Target,
  services: BenchStack['services'],
  { vus, seconds, shoppers }: { vus: number; seconds: number; shoppers: number },
): Promise<Level> {
  const rampSeconds = seconds * rampShare;
  const env = {
    BASE_URL: target.url,
    STACK: target.stack,
    VUS: String(vus),
    SHOPPERS: String(shoppers),
    SECONDS: String(seconds),
    RAMP_SECONDS: String(rampSeconds),
  };
  const samples: Sample[] = [];
  const figuresOfServices = watchServices(services);
  // Whatever runs below this very process and is none of the stack's is k6.
  const processes = [...target.processes, { name: 'k6', pid: process.pid }];
  const onSample = (sample: UsageSample) => samples.push({ ...sample, machine: readMachineCpu() });
  const { run, usage } = await measured({ ...target, processes }, 'endpoints.ts', env, seconds, onSample).finally(
    figuresOfServices,
  );
  const { busyCores, stolenCores, cores } = middleOf(samples);
  return {
    vus,
    seconds,
    measuredSeconds: seconds - rampSeconds,
    ...levelFigures(run.summary, seconds - rampSeconds),
    resources: {
      busyCores,
      stolenCores,
      k6Cores: cores.get('k6'),
      processes: usage
        .filter(({ name }) => name !== 'k6')
        .map(({ name, peakBytes }) => ({ name, cores: cores.get(name) ?? 0, peakBytes })),
      services: await figuresOfServices(),
    },
    complaints: run.complaints,
  };
}

/** The figures of endpoints.ts. Throws if it got nothing done, which is no figure but a failure. */
export function levelFigures(summary: K6Summary, measuredSeconds: number) {
  const ofEndpoint = (name: string) => ({
    requests: countOf(summary, `http_reqs{phase:steady,name:${name}}`),
    wrong: countOf(summary, `wrong{phase:steady,name:${name}}`),
    failed: passesOf(summary, `http_req_failed{phase:steady,name:${name}}`),
    trend: trendOf(summary, `http_req_duration{phase:steady,name:${name},expected_response:true}`),
  });
  const figures = Object.fromEntries(endpoints.map((name) => [name, ofEndpoint(name)])) as Level['endpoints'];
  const requests = Object.values(figures).reduce((sum, one) => sum + one.requests, 0);
  if (requests === 0) throw new Error('k6 sent no request in the time that was to be measured');
  return {
    requests,
    requestsPerSecond: requests / measuredSeconds,
    journeys: countOf(summary, 'journeys{phase:steady}'),
    all: trendOf(summary, 'http_req_duration{phase:steady,expected_response:true}'),
    endpoints: figures,
  };
}

export type Sample = UsageSample & { machine: MachineCpu | undefined };

/**
 * Processors in use over the middle of a run. Its beginning, in which k6 reads its script and makes its virtual users, and its end
 * would flatter both sides.
 */
export function middleOf(
  samples: Sample[],
): Pick<Resources, 'busyCores' | 'stolenCores'> & { cores: Map<string, number> } {
  const first = samples[Math.floor(samples.length * 0.3)];
  const last = samples[Math.ceil(samples.length * 0.9) - 1];
  const seconds = first && last ? (last.atMs - first.atMs) / 1_000 : 0;
  if (!first || !last || seconds <= 0) return { cores: new Map() };
  const before = new Map(first.trees.map(({ name, cpuSeconds }) => [name, cpuSeconds]));
  const cores = last.trees.map(({ name, cpuSeconds }): [string, number] => [
    name,
    Math.max(0, (cpuSeconds - (before.get(name) ?? 0)) / seconds),
  ]);
  if (!first.machine || !last.machine) return { cores: new Map(cores) };
  return {
    busyCores: (last.machine.busySeconds - first.machine.busySeconds) / seconds,
    stolenCores: (last.machine.stolenSeconds - first.machine.stolenSeconds) / seconds,
    cores: new Map(cores),
  };
}
