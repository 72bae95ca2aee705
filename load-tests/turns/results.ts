import type { LoadResult } from '../lib/results.ts';

/** One run of one side. */
export interface Turn<Load extends LoadResult = LoadResult> {
  /** Which round it is of, from 1: only the turns of one round are set beside each other. */
  pair: number;
  vus: number;
  side: string;
  load: Load;
  /** From the last answer until nothing was under way any more. */
  settledSeconds: number;
  /** Processor time of the other sides meanwhile, which were at rest, and how long it was counted. */
  beside?: { cpuSeconds: number; seconds: number };
}
