import type { Trend } from './k6-summary.ts';
import type { IdleMemory, Usage } from './usage.ts';
import type { Verdict } from './targets.ts';

/** What one k6 run under constant load has shown. */
export interface LoadResult {
  name: string;
  vus: number;
  seconds: number;
  requests: number;
  requestsPerSecond: number;
  journeys: number;
  journeysPerSecond: number;
  /** Requests that failed, and answers that were not what was asked for. */
  failed: number;
  wrong: number;
  /** In milliseconds: all requests, each step by its name, and whole journeys. */
  all: Trend | undefined;
  steps: Record<string, Trend>;
  journey: Trend | undefined;
  /** Of the processes of the stack; empty if they are unknown. */
  usage: Usage[];
  k6CpuSeconds: number;
  complaints: string;
}

export interface RaceResult {
  buyers: number;
  stock: number;
  sold: number;
  soldOut: number;
  other: number;
  soldTrend: Trend | undefined;
  soldOutTrend: Trend | undefined;
  /** Thresholds of the script that did not hold. */
  crossed: string[];
  usage: Usage[];
  complaints: string;
}

/** Requests that gathered while the inventory was away, and what became of them. */
export interface BacklogResult {
  events: number;
  eventsPerSecond: number;
  /** From the first one taken to the last one held; the same from the start of the inventory's processes. */
  seconds: number;
  secondsFromStart: number;
  /** From the first one taken until reservation and payment knew of every hold. */
  secondsToOrders: number;
  /** Rows that are as they should be; of each, as many as there were requests. */
  counted: Record<'unitsHeld' | 'holds' | 'reservations' | 'orders' | 'payables', number>;
  /** From the start of the inventory's processes to the last one held. */
  usage: Usage[];
}

export interface AuditResult {
  passed: boolean;
  output: string;
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  system: string;
  node: string;
  k6: string;
  commit: string;
}

export interface BenchResult {
  startedAt: string;
  stack: string;
  url: string;
  machine: Machine;
  idle?: IdleMemory[];
  yardstick?: LoadResult;
  checkout?: LoadResult[];
  fifty?: LoadResult;
  one?: LoadResult;
  /** Reserving without waiting for the outcome, by 50 and by 500 shoppers. */
  accepted?: LoadResult[];
  race?: RaceResult;
  backlog?: BacklogResult;
  /** A text says why there was none. */
  audit?: AuditResult | string;
  /** Why it was not measured to its end. */
  brokenOff?: string;
  verdicts: Verdict[];
}

/** Of several runs the one in the middle by throughput; of two, the slower. */
export function medianRun<Run extends { requestsPerSecond: number }>(runs: Run[]): Run | undefined {
  const sorted = runs.toSorted((a, b) => a.requestsPerSecond - b.requestsPerSecond);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
