import { putLoad, type Target } from '../lib/load.ts';
import { LogIns } from '../lib/log-ins.ts';
import type { TurnPlan } from '../lib/options.ts';
import { readProcesses } from '../lib/procfs.ts';
import { complaintsReport } from '../lib/report.ts';
import type { LoadResult } from '../lib/results.ts';
import { cpuSecondsOf, type ProcessTree } from '../lib/usage.ts';
import type { Turn } from './results.ts';
import type { RunningSide, Side, Standing } from './side.ts';

export interface PlannedTurn<OneSide extends { isYardstick?: true } = Side> {
  pair: number;
  vus: number;
  side: OneSide;
}

/**
 * The turns in their order: A B C, C B A, A B C … A machine that grows slower all the while takes from each side alike, and so does
 * what a side that has just worked still does at rest. The levels of a round follow each other, but where sides are started and
 * stopped between their turns, a side is measured at all levels before the next one.
 */
export function turnsOf<OneSide extends { isYardstick?: true }>(
  { rounds, levels }: Pick<TurnPlan, 'rounds' | 'levels'>,
  sides: OneSide[],
): PlannedTurn<OneSide>[] {
  const most = Math.max(...levels);
  const isCrowded = sides.filter(({ isYardstick }) => !isYardstick).length > 2;
  return Array.from({ length: rounds }, (_, at) => at + 1).flatMap((pair) => {
    const order = pair % 2 === 1 ? sides : sides.toReversed();
    const turns = isCrowded
      ? order.flatMap((side) => levels.map((vus) => ({ pair, vus, side })))
      : levels.flatMap((vus) => order.map((side) => ({ pair, vus, side })));
    return turns.filter(({ vus, side }) => !side.isYardstick || vus === most);
  });
}

export interface TurnContext<Running extends RunningSide, Load extends LoadResult> {
  say: (line: string) => void;
  /** A step begins, for who shows how far it is. */
  begin?: (planned: PlannedTurn<Side<Running>>) => void;
  /** Called after each turn. */
  onTurn: (turn: Turn<Load>) => void | Promise<void>;
  measure: (planned: PlannedTurn<Side<Running>>, target: Target, seconds: number) => Promise<Load>;
}

/** Puts the load of a side on it. */
export function loadOf({ vus, side }: PlannedTurn, target: Target, seconds: number): Promise<LoadResult> {
  return putLoad(target, { name: `${vus} shoppers × ${seconds} s`, script: side.script, vus, seconds });
}

const yardstickWarmUpSeconds = 5;

/** Makes sides ready to be measured, and keeps them so. */
export class WarmUp {
  readonly #plan: Pick<TurnPlan, 'levels' | 'warmUpSeconds'>;
  readonly #say: (line: string) => void;
  readonly #logIns: LogIns;

  constructor(plan: Pick<TurnPlan, 'levels' | 'warmUpSeconds'>, say: (line: string) => void) {
    this.#plan = plan;
    this.#say = say;
    this.#logIns = new LogIns(Math.max(...plan.levels), say);
  }

  /** Of a side that was started just now: its shoppers log in, and a load that does not count. */
  async opened({ name, script, logsIn, isYardstick }: Side, running: RunningSide): Promise<void> {
    if (logsIn) this.#logIns.forget(running.target());
    await this.refreshLogIns({ logsIn }, running);
    const { levels, warmUpSeconds } = this.#plan;
    const seconds = isYardstick ? Math.min(warmUpSeconds, yardstickWarmUpSeconds) : warmUpSeconds;
    this.#say(`${name}: warming up for ${seconds} s`);
    await putLoad(running.target(), { name: 'warm-up', script, vus: Math.max(...levels), seconds });
    await running.untilAtRest();
  }

  async refreshLogIns({ logsIn }: Pick<Side, 'logsIn'>, running: RunningSide): Promise<void> {
    if (logsIn) await this.#logIns.refresh(running.target());
  }
}

/**
 * Takes the turns. Throws when aborted.
 *
 * The sides whose turn it is not are at rest, and not frozen: a launcher may take a process that hangs for dead and kill it,
 * connections and leases would run out, and the first second after the thaw would be spent on making up for them. What their
 * timers take meanwhile is counted (`undisturbed` in pairs.ts).
 */
export async function takeTurns<Running extends RunningSide, Load extends LoadResult>(
  plan: TurnPlan,
  sides: Side<Running>[],
  standing: Standing<Running>,
  warmUp: Pick<WarmUp, 'refreshLogIns'>,
  { say, begin, onTurn, measure }: TurnContext<Running, Load>,
): Promise<void> {
  // From the first turn on each has a neighbour.
  const shops = sides.filter(({ isYardstick }) => !isYardstick);
  for (const side of sides) if (side.isYardstick || shops.indexOf(side) < 2) await standing.use(side);
  for (const planned of turnsOf(plan, sides)) {
    const { pair, vus, side } = planned;
    const running = await standing.use(side);
    begin?.(planned);
    await warmUp.refreshLogIns(side, running);
    const usedBeside = cpuMeter(standing.beside(side).flatMap((one) => one.target().processes));
    const load = await measure(planned, running.target(), plan.seconds);
    const beside = usedBeside();
    const endedAtMs = Date.now();
    await running.untilAtRest();
    const turn = { pair, vus, side: side.name, load, settledSeconds: (Date.now() - endedAtMs) / 1_000, beside };
    say(turnReport(turn));
    await onTurn(turn);
  }
}

/** Of processes that go on: processor time from now on, all of them together. */
function cpuMeter(processes: ProcessTree[]): () => { cpuSeconds: number; seconds: number } {
  // Two shops have processes of the same name.
  const trees = processes.map(({ pid }) => ({ name: String(pid), pid }));
  const used = () => [...cpuSecondsOf(readProcesses(), trees).values()].reduce((sum, seconds) => sum + seconds, 0);
  const [before, startedAtMs] = [used(), Date.now()];
  return () => ({ cpuSeconds: Math.max(0, used() - before), seconds: (Date.now() - startedAtMs) / 1_000 });
}

function turnReport({ pair, vus, side, load, settledSeconds }: Turn): string {
  const journeys = load.journeys > 0 ? `, ${load.journeysPerSecond.toFixed(1)} journeys/s` : '';
  const rates = `${load.requestsPerSecond.toFixed(0)} requests/s${journeys}`;
  const trouble = load.failed + load.wrong > 0 ? `; ${load.failed} failed, ${load.wrong} wrong` : '';
  const lines = trouble ? complaintsReport(load.complaints) : [];
  const rest = `at rest ${settledSeconds.toFixed(1)} s later`;
  return [`round ${pair}, ${vus} shoppers, ${side}: ${rates}, ${rest}${trouble}`, ...lines].join('\n');
}
