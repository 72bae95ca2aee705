// The benchmark: node load-tests/bench.ts [--quick]. What it measures and promises: load-tests/README.md
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseBenchArguments, usage, UsageError, type BenchArguments, type Phase } from './lib/args.ts';
import { runAudit } from './lib/audit.ts';
import { openStack, type BenchStack } from './lib/bench-stack.ts';
import { putLoad, runRace, type Target } from './lib/load.ts';
import { describeMachine } from './lib/machine.ts';
import { auditReport, idleReport, loadReport, raceReport, verdictReport } from './lib/report.ts';
import type { BenchResult, LoadResult } from './lib/results.ts';
import { judge } from './lib/targets.ts';
import { idleMemoryOf } from './lib/usage.ts';
import { startYardstick } from './yardstick/start.ts';

const settleMs = 10_000;
const betweenPhasesMs = 2_000;
const usual = {
  warmUp: 15,
  yardstick: 20,
  yardstickWarmUp: 5,
  checkout: 60,
  fifty: 20,
  one: 10,
  race: { buyers: 2_000, stock: 100, prepareSeconds: 30 },
};
const quick = {
  warmUp: 8,
  yardstick: 6,
  yardstickWarmUp: 2,
  checkout: 12,
  fifty: 6,
  one: 4,
  race: { buyers: 400, stock: 20, prepareSeconds: 10 },
};

const breakOff = new AbortController();
const args = readArguments();
const startedAt = new Date();
const results = join(import.meta.dirname, 'results', startedAt.toISOString().replaceAll(/[:.]/g, '-'));
const folder = join(import.meta.dirname, '..', '.local', `bench-${process.pid}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => breakOff.abort(new Error(`stopped by ${signal}`)));

const result = await bench();
await mkdir(results, { recursive: true });
await writeFile(join(results, 'bench.json'), JSON.stringify(result, null, 2) + '\n');
say(`\n${verdictReport(result.verdicts)}\n\nwritten to ${join(results, 'bench.json')}`);
process.exit(result.verdicts.some(({ met, aim }) => !met && !aim) ? 1 : 0);

async function bench(): Promise<BenchResult> {
  const machine = await describeMachine();
  say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, k6 ${machine.k6}`);
  await using stack = await openStack(args, folder, join(results, 'profiles'), breakOff.signal);
  const found: Omit<BenchResult, 'verdicts'> = {
    startedAt: startedAt.toISOString(),
    stack: stack.stack,
    url: stack.url,
    machine,
  };
  await measure(stack, found);
  return { ...found, verdicts: judge(found) };
}

async function measure(stack: BenchStack, found: Omit<BenchResult, 'verdicts'>): Promise<void> {
  const times = args.quick ? quick : usual;
  const target = (): Target => ({ url: stack.url, stack: stack.stack, processes: stack.processes() });
  const checkout = (name: string, vus: number, seconds: number) =>
    putLoad(target(), { name: `${name} × ${seconds} s`, script: 'checkout.ts', vus, seconds });

  if (asked('idle') && stack.processes().length > 0) {
    await sleep(settleMs, undefined, { signal: breakOff.signal });
    found.idle = idleMemoryOf(stack.processes());
    say(idleReport(found.idle));
  }
  if (asked('yardstick')) {
    found.yardstick = await measureYardstick(times);
    say(loadReport(found.yardstick));
  }
  if (args.warmUp && (['checkout', 'fifty', 'one'] as const).some(asked)) {
    say(`\nwarming up: ${args.vus} shoppers × ${times.warmUp} s`);
    await checkout('warm-up', args.vus, times.warmUp);
  }
  if (asked('checkout')) {
    found.checkout = [];
    for (let run = 1; run <= args.repeat; run++) {
      await pause();
      const load = await checkout(`${args.vus} shoppers`, args.vus, args.seconds ?? times.checkout);
      found.checkout.push(load);
      say(loadReport(load, found.yardstick));
    }
  }
  if (asked('fifty')) found.fifty = await reported(() => checkout('50 shoppers', 50, args.seconds ?? times.fifty));
  if (asked('one')) found.one = await reported(() => checkout('one shopper', 1, args.seconds ?? times.one));
  if (asked('race')) {
    await pause();
    found.race = await runRace(target(), times.race);
    say(raceReport(found.race));
  }
  if (asked('audit')) {
    found.audit = await runAudit(stack.stackFile);
    say(`\n${auditReport(found.audit)}`);
  }
}

async function measureYardstick(times: { yardstick: number; yardstickWarmUp: number }): Promise<LoadResult> {
  await using yardstick = await startYardstick(join(folder, 'yardstick'));
  const target: Target = { url: yardstick.url, stack: 'yardstick', processes: yardstick.processes };
  const load = (seconds: number) =>
    putLoad(target, { name: `yardstick, 500 × ${seconds} s`, script: 'yardstick/yardstick.ts', vus: 500, seconds });
  await load(times.yardstickWarmUp);
  const measured = await load(args.seconds ?? times.yardstick);
  if (measured.failed + measured.wrong > 0) throw new Error(`the yardstick failed:\n${loadReport(measured)}`);
  return measured;
}

async function reported(measureLoad: () => Promise<LoadResult>): Promise<LoadResult> {
  await pause();
  const load = await measureLoad();
  say(loadReport(load));
  return load;
}

/** Lets the stack end what it still has to do, and is the point at which an interrupted benchmark ends. */
async function pause(): Promise<void> {
  await sleep(betweenPhasesMs, undefined, { signal: breakOff.signal });
  say('');
}

function asked(phase: Phase): boolean {
  return args.only.includes(phase);
}

function readArguments(): BenchArguments {
  try {
    return parseBenchArguments(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

function say(text: string): void {
  console.log(text);
}
