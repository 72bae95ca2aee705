import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBehindNginx } from './behind-nginx.ts';
import { isPhaseOf, type BenchArguments, type Phase } from './args.ts';
import { runAudit } from './audit.ts';
import { measureBacklog } from './backlog.ts';
import type { BenchStack } from './bench-stack.ts';
import { logIn, putLoad, runRace, type Target } from './load.ts';
import { auditReport, backlogReport, idleReport, loadReport, raceReport } from './report.ts';
import type { BenchResult, LoadResult } from './results.ts';
import { idleMemoryOf } from './usage.ts';

const settleMs = 10_000;
const betweenPhasesMs = 2_000;
/** Seconds of load per phase. */
const usual = { warmUp: 60, yardstickWarmUp: 15, yardstick: 20, checkout: 60, fifty: 20, one: 10, accepted: 20 };
const quick = { warmUp: 15, yardstickWarmUp: 5, yardstick: 6, checkout: 12, fifty: 6, one: 4, accepted: 6 };
const usualRace = { buyers: 2_000, stock: 100, prepareSeconds: 120 };
const quickRace = { buyers: 400, stock: 20, prepareSeconds: 30 };
const usualBacklog = 50_000;
const quickBacklog = 5_000;
/** The limit is for the crowd; the smaller load shows how much of the time is waiting for a processor. */
const acceptedVus = [50, 500];

export interface Surroundings {
  /** For what the yardstick needs on disk. */
  folder: string;
  say: (text: string) => void;
  signal: AbortSignal;
}

export type Measurements = Omit<BenchResult, 'startedAt' | 'stack' | 'url' | 'machine' | 'brokenOff' | 'verdicts'>;

/**
 * Takes the phases asked for, one after the other, says what each has shown, and adds it to `found`. Throws when broken off;
 * what was found until then stays.
 */
export async function measure(
  args: BenchArguments,
  stack: BenchStack,
  around: Surroundings,
  found: Measurements,
): Promise<void> {
  const { say, signal } = around;
  const seconds = args.quick ? quick : usual;
  const asked = (phase: Phase) => args.only.includes(phase) && isPhaseOf(stack.stack, phase);
  const target = (): Target => ({ url: stack.url, stack: stack.stack, processes: stack.processes(), signal });
  const checkout = async (who: string, vus: number, usualSeconds: number, env: Record<string, string> = {}) => {
    await sleep(betweenPhasesMs, undefined, { signal }); // the stack ends what it still has to do
    const length = args.seconds ?? usualSeconds;
    const name = `${who} × ${length} s`;
    const load = await putLoad(target(), { name, script: 'checkout.ts', vus, seconds: length, env });
    say(`\n${loadReport(load, vus === 500 ? found.yardstick : undefined)}`);
    return load;
  };

  if (asked('idle') && stack.processes().length > 0) {
    await sleep(settleMs, undefined, { signal });
    found.idle = idleMemoryOf(stack.processes());
    say(`\n${idleReport(found.idle)}`);
  }
  if (asked('yardstick')) {
    found.yardstick = await measureYardstick(seconds.yardstickWarmUp, args.seconds ?? seconds.yardstick, around);
    say(`\n${loadReport(found.yardstick)}`);
  }
  if (args.warmUp && (['checkout', 'fifty', 'one', 'accepted', 'race'] as const).some(asked)) {
    say(`\nwarming up: ${args.vus} shoppers log in, and shop for ${seconds.warmUp} s`);
    await logIn(target(), args.vus);
    await putLoad(target(), { name: 'warm-up', script: 'checkout.ts', vus: args.vus, seconds: seconds.warmUp });
  }
  if (asked('checkout')) {
    found.checkout = [];
    for (let run = 1; run <= args.repeat; run++) {
      found.checkout.push(await checkout(`${args.vus} shoppers`, args.vus, seconds.checkout));
    }
  }
  if (asked('fifty')) found.fifty = await checkout('50 shoppers', 50, seconds.fifty);
  if (asked('one')) found.one = await checkout('one shopper', 1, seconds.one);
  if (asked('accepted')) {
    found.accepted = [];
    for (const vus of acceptedVus) {
      const who = `${vus} shoppers who do not wait for the outcome`;
      found.accepted.push(await checkout(who, vus, seconds.accepted, { WAIT: '0' }));
    }
  }
  if (asked('race')) {
    found.race = await runRace(target(), args.quick ? quickRace : usualRace);
    say(`\n${raceReport(found.race)}`);
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

/** What the machine can do at most, just now. Throws if a single request fails. */
export async function measureYardstick(
  warmUpSeconds: number,
  seconds: number,
  around: Omit<Surroundings, 'say'>,
): Promise<LoadResult> {
  const hello = { name: 'hello', script: join(import.meta.dirname, '../yardstick/hello.ts') };
  await using yardstick = await startBehindNginx(hello, join(around.folder, 'yardstick'));
  const target = { url: yardstick.url, stack: 'yardstick', processes: yardstick.processes, signal: around.signal };
  const load = (length: number) =>
    putLoad(target, {
      name: `yardstick, 500 VUs × ${length} s`,
      script: 'yardstick/yardstick.ts',
      vus: 500,
      seconds: length,
    });
  await load(warmUpSeconds);
  const measured = await load(seconds);
  if (measured.failed > 0) throw new Error(`the yardstick failed:\n${loadReport(measured)}`);
  return measured;
}
