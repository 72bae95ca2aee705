import type { StackName } from '@flash-sale/shared/stacks.ts';
import type { AuditResult, LoadResult, Machine } from '../lib/results.ts';
import type { Compared } from './judge.ts';

export const sides = ['this', 'that'] as const;
export type Side = (typeof sides)[number];

/** One run of one side. */
export interface Turn {
  pair: number;
  vus: number;
  side: Side;
  load: LoadResult;
  /** From the last answer until nothing was under way any more. */
  settledSeconds: number;
}

/** All that was measured, and what it says. */
export interface PairResult {
  startedAt: string;
  finishedAt?: string;
  stack: StackName;
  quick: boolean;
  planned: { levels: number[]; pairs: number; seconds: number };
  machine: Machine;
  sides: Record<Side, { commit: string; settings: string[] }>;
  /** In the order in which they were taken; of a pair that was broken off, the first only. */
  turns: Turn[];
  /** Of this tree, after all turns. A text says why there was none. */
  audit: AuditResult | string;
  /** Why it was not measured to its end. */
  brokenOff?: string;
  compared: Compared[];
  /** Whatever makes this tree unfit: a sentence each. */
  problems: string[];
}
