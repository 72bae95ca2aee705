import { componentOf, type Usage } from '../lib/usage.ts';
import { medianOf } from '../turns/statistics.ts';
import type { LoadName, ReadsTurn, Replicas } from './results.ts';

const primary = 'postgres';

/** What a load costs on one side, each the median of the rounds; CPU in ms of a processor a purchase. */
export interface LoadFigures {
  purchasesPerSecond: number;
  readsPerSecond: number;
  readP95Ms: number;
  primaryMs: number;
  replicaMs: number;
  servicesMs: number;
}

export function figuresOf(turns: ReadsTurn[], load: LoadName, replicas: Replicas): LoadFigures | undefined {
  const those = turns.filter((turn) => turn.load === load && turn.replicas === replicas);
  const median = (of: (turn: ReadsTurn) => number) => medianOf(those.map(of)) ?? NaN;
  const cpuMs = (isOne: (name: string) => boolean) =>
    median(({ usage, purchasesPerSecond, seconds }) => msOf(usage, isOne) / (purchasesPerSecond * seconds));
  if (those.length === 0) return undefined;
  return {
    purchasesPerSecond: median(({ purchasesPerSecond }) => purchasesPerSecond),
    readsPerSecond: median(({ readsPerSecond }) => readsPerSecond),
    readP95Ms: median(({ read }) => read?.p95 ?? 0),
    primaryMs: cpuMs((name) => name === primary),
    replicaMs: cpuMs((name) => name !== primary && componentOf(name) === 'postgres'),
    servicesMs: cpuMs((name) => componentOf(name) === 'node'),
  };
}

const msOf = (usage: Usage[], isOne: (name: string) => boolean) =>
  usage.reduce((sum, { name, cpuSeconds }) => sum + (isOne(name) ? cpuSeconds * 1_000 : 0), 0);

/** The share of the primary's processor time that goes to reads, at 20 of them a purchase: what it takes beyond a sale alone. */
export function shareOfReads(turns: ReadsTurn[], replicas: Replicas): number | undefined {
  const [alone, withReads] = (['sale alone', '20 reads a purchase'] as const).map((load) =>
    figuresOf(turns, load, replicas),
  );
  return alone && withReads && 1 - alone.primaryMs / withReads.primaryMs;
}

/** How many times as many reads 100 readers have with the replica, by pairs: the median of the rounds. */
export function readsRatio(turns: ReadsTurn[]): number | undefined {
  const rate = (round: number, replicas: Replicas) =>
    turns.find((turn) => turn.round === round && turn.load === '100 readers' && turn.replicas === replicas)
      ?.readsPerSecond;
  const rounds = [...new Set(turns.map(({ round }) => round))];
  return medianOf(
    rounds.flatMap((round) => {
      const [without, withOne] = [rate(round, 0), rate(round, 1)];
      return without === undefined || withOne === undefined ? [] : [withOne / without];
    }),
  );
}
