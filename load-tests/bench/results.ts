import type { ArrivalsResult } from '../lib/arrivals.ts';
import type { BacklogResult } from '../lib/backlog.ts';
import type { AtRest, Audit, LoadResult, Machine, RaceResult } from '../lib/results.ts';
import type { Ratios } from '../turns/pairs.ts';
import type { Turn } from '../turns/results.ts';
import type { Spread } from '../turns/statistics.ts';
import type { Verdict } from './targets.ts';

/** One measure of the stack at one level, as so many times the limit's turn of the same pair. */
export interface BesideLimit extends Ratios {
  vus: number;
  measure: string;
  unit: string;
  digits: number;
  /** The medians of each by itself: what the machine was like, not what to compare. */
  medians: { limit: number; stack: number };
}

/** What the turns of limit, stack and yardstick have shown. */
export interface LimitPairs {
  levels: number[];
  turns: Turn[];
  /** The limit's requests/s as a share of the yardstick's, round by round. */
  limitShare: Spread | undefined;
  /** What does not add up in the limit's own database. */
  discrepancies: string[];
  /** Why no ratio is given. */
  noRatio?: string;
  /** Empty where no ratio is given. */
  beside: BesideLimit[];
}

export interface BenchResult {
  startedAt: string;
  /** With its layout, as in `sync:shared`. */
  stack: string;
  url: string;
  machine: Machine;
  idle?: AtRest[];
  pairs?: LimitPairs;
  one?: LoadResult;
  /** Reserving without waiting for the outcome, by 50 and by 500 shoppers. */
  accepted?: LoadResult[];
  /** The same by shoppers who come whether or not the shop keeps up, at three quarters of what it can. */
  open?: ArrivalsResult;
  race?: RaceResult;
  /** One in which there is enough for everybody: what a sale costs. */
  saleForAll?: RaceResult;
  backlog?: BacklogResult;
  audit?: Audit;
  /** Why it was not measured to its end. */
  brokenOff?: string;
  verdicts: Verdict[];
}
