import type { LayoutName } from '@flash-sale/shared/layouts.ts';
import type { StackName } from '@flash-sale/shared/stacks.ts';
import type { Audit, Machine } from '../lib/results.ts';
import type { Turn } from '../turns/results.ts';
import type { Compared } from './judge.ts';

export const sides = ['this', 'that'] as const;
export type Side = (typeof sides)[number];

/** All that was measured, and what it says. */
export interface AgainstResult {
  startedAt: string;
  finishedAt?: string;
  stack: StackName;
  layout: LayoutName;
  quick: boolean;
  planned: { levels: number[]; pairs: number; seconds: number };
  machine: Machine;
  sides: Record<Side, { commit: string; settings: string[] }>;
  /** In the order in which they were taken; of a pair that was ended before its time, the first only. */
  turns: Turn[];
  /** Of this tree, after all turns. */
  audit: Audit;
  /** Why it was not measured to its end. */
  brokenOff?: string;
  compared: Compared[];
  /** Whatever makes this tree unfit: a sentence each. */
  problems: string[];
}
