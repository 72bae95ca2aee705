import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { discrepanciesOf, startLimit } from '../limit/start.ts';
import { capacityOf, putArrivals } from '../lib/arrivals.ts';
import { runAudit } from '../lib/audit.ts';
import { measureBacklog } from '../lib/backlog.ts';
import type { BenchStack } from '../lib/bench-stack.ts';
import { logIn, putLoad, runRace } from '../lib/load.ts';
import type { TurnPlan } from '../lib/options.ts';
import type { MeasuringRun } from '../lib/run.ts';
import { loadReport } from '../lib/report.ts';
import { measureAtRest } from '../lib/usage.ts';
import { loadOf, takeTurns, WarmUp } from '../turns/protocol.ts';
import { alreadyRunning, Standing, type RunningSide, type Side } from '../turns/side.ts';
import { openYardstick } from '../yardstick/start.ts';
import { LogIns } from '../lib/log-ins.ts';
import { arrivalsReport } from '../open/report.ts';
import { isPhaseOf, type BenchArguments, type Phase } from './arguments.ts';
import { besideLimit, limitName, yardstickName } from './limit-pairs.ts';
import { atRestReport, auditReport, backlogReport, pairsReport, raceReport } from './report.ts';
import type { BenchResult, LimitPairs } from './results.ts';

/** After the start, and of the look itself. */
const usualRest = { settleSeconds: 10, lookSeconds: 20 };
const quickRest = { settleSeconds: 5, lookSeconds: 5 };
/** Seconds of load per phase. */
const usual = { warmUp: 60, one: 10, accepted: 20 };
const quick = { warmUp: 15, one: 4, accepted: 6 };
const usualRace = { buyers: 2_000, stock: 100, prepareSeconds: 120 };
const quickRace = { buyers: 400, stock: 20, prepareSeconds: 30 };
const usualBacklog = 50_000;
const quickBacklog = 5_000;
/** The limit is for the crowd; the smaller load shows how much of the time is waiting for a processor. */
const acceptedVus = [50, 500];
/** Of its capacity; a shop is to be run with as much to spare. */
const openShare = 0.75;
const warmUpVus = 500;

export type Measurements = Omit<BenchResult, 'startedAt' | 'stack' | 'url' | 'brokenOff' | 'verdicts'>;

/**
 * Takes the phases asked for, one after the other, says what each has shown, and adds it to `found`. Throws when aborted; what was
 * found until then stays.
 */
export async function measure(
  args: BenchArguments,
  stack: BenchStack,
  run: MeasuringRun,
  found: Measurements,
): Promise<void> {
  const { say, signal } = run;
  const seconds = args.quick ? quick : usual;
  const asked = (phase: Phase) => args.only.includes(phase) && isPhaseOf(stack.choice, phase);
  const checkout = async (who: string, vus: number, usualSeconds: number, env: Record<string, string> = {}) => {
    const length = args.seconds ?? usualSeconds;
    const name = `${who} × ${length} s`;
    const load = await putLoad(stack.target(), { name, script: 'checkout.ts', vus, seconds: length, env });
    say(`\n${loadReport(load)}`);
    await stack.untilAtRest();
    return load;
  };

  if (asked('idle') && stack.target().processes.length > 0) {
    const { settleSeconds, lookSeconds } = args.quick ? quickRest : usualRest;
    await sleep(settleSeconds * 1_000, undefined, { signal });
    found.idle = await measureAtRest(stack.target().processes, lookSeconds, signal);
    say(`\n${atRestReport(found.idle)}`);
  }
  if (asked('pairs')) {
    await measurePairs(args.turns, stack, run, found);
  } else if (args.warmUp && (['one', 'accepted', 'open', 'race'] as const).some(asked)) {
    say(`\nwarming up: ${warmUpVus} shoppers log in, and shop for ${seconds.warmUp} s`);
    await logIn(stack.target(), warmUpVus);
    await checkoutWarmUp(stack, seconds.warmUp);
  }
  if (asked('one')) found.one = await checkout('one shopper', 1, seconds.one);
  if (asked('accepted')) {
    found.accepted = [];
    for (const vus of acceptedVus) {
      const who = `${vus} shoppers who do not wait for the outcome`;
      found.accepted.push(await checkout(who, vus, seconds.accepted, { WAIT: '0' }));
    }
  }
  if (asked('open')) {
    found.open = await measureOpen(stack, args.seconds ?? seconds.accepted, say);
    say(`\n${arrivalsReport(found.open)}`);
  }
  if (asked('race')) {
    const race = args.quick ? quickRace : usualRace;
    found.race = await runRace(stack.target(), race);
    say(`\n${raceReport(found.race)}`);
    await stack.untilAtRest();
    found.saleForAll = await runRace(stack.target(), { ...race, stock: race.buyers });
    say(`\n${raceReport(found.saleForAll)}`);
  }
  if (asked('backlog') && stack.own) {
    found.backlog = await measureBacklog(stack.own, args.quick ? quickBacklog : usualBacklog);
    say(`\n${backlogReport(found.backlog)}`);
  }
  if (asked('audit')) {
    found.audit = await runAudit(stack.stackFile, signal);
    say(`\n${auditReport(found.audit)}`);
  }
}

/** Shoppers who reserve, do not wait for the outcome, and come whether or not the shop keeps up. */
async function measureOpen(stack: BenchStack, seconds: number, say: MeasuringRun['say']) {
  await new LogIns(warmUpVus, say).refresh(stack.target());
  const capacity = await capacityOf(stack.target(), seconds);
  await stack.untilAtRest();
  const rate = Math.max(1, Math.round(capacity * openShare));
  const name = `${100 * openShare} % of ${capacity.toFixed(1)} journeys/s × ${seconds} s, who do not wait for the outcome`;
  const result = await putArrivals(stack.target(), { name, rate, seconds, env: { WAIT: '0' } });
  await stack.untilAtRest();
  return result;
}

async function checkoutWarmUp(stack: BenchStack, seconds: number): Promise<void> {
  await putLoad(stack.target(), { name: 'warm-up', script: 'checkout.ts', vus: warmUpVus, seconds });
  await stack.untilAtRest();
}

/** The stack, the limit and the yardstick in turns; all of them stand beside each other meanwhile. */
async function measurePairs(
  plan: TurnPlan,
  stack: BenchStack,
  { scratch, say, signal }: MeasuringRun,
  found: Measurements,
): Promise<void> {
  say('\nstarting the limit and the yardstick');
  await using limit = await startLimit(join(scratch, limitName));
  await using yardstick = await openYardstick(join(scratch, yardstickName), signal);
  const ofLimit: RunningSide = {
    target: () => ({ url: limit.url, stack: limitName, processes: limit.processes, signal }),
    untilAtRest: () => Promise.resolve(), // what it has answered, it has done
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const sides: Side[] = [
    alreadyRunning(
      { name: yardstickName, script: 'yardstick/yardstick.ts', logsIn: false, isYardstick: true },
      yardstick,
    ),
    alreadyRunning({ name: limitName, script: 'checkout.ts', logsIn: false }, ofLimit),
    alreadyRunning({ name: stack.name, script: 'checkout.ts', logsIn: true }, stack),
  ];
  const pairs: Pick<LimitPairs, 'turns' | 'levels' | 'discrepancies'> = {
    turns: [],
    levels: plan.levels,
    discrepancies: [],
  };
  const isKnown = stack.target().processes.length > 0;
  const judge = () => (found.pairs = besideLimit(pairs, stack.name, found.machine.cores, isKnown));
  const warmUp = new WarmUp(plan, say);
  await using standing = new Standing((side, running) => warmUp.opened(side, running));
  const onTurn = (turn: (typeof pairs.turns)[number]) => {
    pairs.turns.push(turn);
    judge();
  };
  await takeTurns(plan, sides, standing, warmUp, { say, onTurn, measure: loadOf });
  pairs.discrepancies = await discrepanciesOf(limit.databaseUrl);
  say(`\n${pairsReport(judge(), stack.name)}`);
}
