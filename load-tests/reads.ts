// What a replica of PostgreSQL takes from it: npm run reads. What it measures: load-tests/README.md
import { join } from 'node:path';
import { argumentsOrExit } from '../infra/command-line.ts';
import { runAudit } from './lib/audit.ts';
import { openStack, type BenchStack } from './lib/bench-stack.ts';
import { describeMachine } from './lib/machine.ts';
import { nameOf } from './lib/options.ts';
import { putReading } from './lib/reading.ts';
import { runMeasurement, type MeasuringRun } from './lib/run.ts';
import { parseReadsArguments, usage } from './reads/arguments.ts';
import { readsReport, turnReport } from './reads/report.ts';
import { loadNames, loads, replicas, type ReadsResult, type Replicas } from './reads/results.ts';

const fileName = 'reads.json';
const args = argumentsOrExit(parseReadsArguments, usage);
let result: ReadsResult | undefined;

await runMeasurement({ name: 'reads', measure, conclude });

/** Both stand beside each other: which comes first changes with each round. */
async function measure(run: MeasuringRun): Promise<void> {
  const measuring: ReadsResult = {
    startedAt: run.startedAt,
    stack: nameOf(args.stack),
    machine: await describeMachine(),
    turns: [],
    audits: [],
  };
  result = measuring;
  await using opened = new AsyncDisposableStack();
  const stacks = new Map<Replicas, BenchStack>();
  for (const count of replicas) {
    const context = { ...run, folder: join(run.scratch, `replicas-${count}`), profiles: run.results };
    stacks.set(count, opened.use(await openStack({ ...args.stack, replicas: count }, context)));
  }
  const put = async (round: number, load: (typeof loadNames)[number], count: Replicas, seconds: number) => {
    const stack = stacks.get(count)!;
    const { rate } = args;
    const reading = await putReading(stack.target(), { rate, seconds, ...loads[load] });
    await stack.untilAtRest();
    return { round, load, replicas: count, ...reading };
  };
  run.say('warming up');
  for (const count of replicas) await put(0, '20 reads a purchase', count, 2 * args.seconds);
  for (let round = 1; round <= args.rounds; round += 1)
    for (const load of loadNames)
      for (const count of round % 2 === 1 ? replicas : replicas.toReversed()) {
        const turn = await put(round, load, count, args.seconds);
        measuring.turns.push(turn);
        run.say(turnReport(turn));
        run.keep(fileName, measuring);
      }
  for (const stack of stacks.values()) measuring.audits.push(await runAudit(stack.stackFile, run.signal));
  measuring.finishedAt = new Date().toISOString();
}

function conclude(run: MeasuringRun, failure: Error | undefined): boolean {
  if (!result) return false;
  if (failure) result.brokenOff = failure.message;
  run.keep(fileName, result);
  run.say(`\n${readsReport(result)}\n\nwritten to ${join(run.results, fileName)}`);
  const isClean = result.audits.every((audit) => typeof audit !== 'string' && audit.passed);
  return isClean && result.turns.every(({ wrong }) => wrong === 0);
}
