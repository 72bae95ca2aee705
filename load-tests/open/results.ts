import type { ArrivalsResult } from '../lib/arrivals.ts';
import type { Audit, Machine } from '../lib/results.ts';

/** A level as it was met in one round. */
export interface OpenLevel extends ArrivalsResult {
  round: number;
  /** Arrivals in percent of the capacity. */
  percent: number;
}

export interface OpenResult {
  startedAt: string;
  /** With its layout, as in `sync:shared`. */
  stack: string;
  url: string;
  machine: Machine;
  plannedLevels: number[];
  /** Journeys a second of a closed loop, round by round. */
  capacities: number[];
  levels: OpenLevel[];
  audit?: Audit;
  finishedAt?: string;
  /** Why it was not measured to its end. */
  brokenOff?: string;
}
