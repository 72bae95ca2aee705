import { countOf, trendOf } from './k6-summary.ts';
import { measured, type Target } from './load.ts';
import type { Trend } from './results.ts';
import type { Usage } from './usage.ts';

export interface Reading {
  /** Purchases a second. */
  rate: number;
  /** What each who has bought looks at. */
  readsOfPurchase: number;
  /** Who buy nothing, and look without a pause. */
  readers: number;
  seconds: number;
}

export interface ReadingResult extends Reading {
  purchasesPerSecond: number;
  readsPerSecond: number;
  read: Trend | undefined;
  wrong: number;
  dropped: number;
  usage: Usage[];
  k6CpuSeconds: number;
  complaints: string;
}

/** Puts a sale at a fixed rate on a shop, and those who look at what it says. @param more settings of the script */
export async function putReading(
  target: Target,
  reading: Reading,
  more: Record<string, string> = {},
): Promise<ReadingResult> {
  const { rate, readsOfPurchase, readers, seconds } = reading;
  const env = {
    BASE_URL: target.url,
    STACK: target.stack,
    RATE: String(rate),
    READS: String(readsOfPurchase),
    READERS: String(readers),
    SECONDS: String(seconds),
    ...more,
  };
  const { run, usage, k6CpuSeconds } = await measured(target, 'reading.ts', env, seconds);
  const { summary, complaints } = run;
  return {
    ...reading,
    purchasesPerSecond: countOf(summary, 'purchases') / seconds,
    readsPerSecond: countOf(summary, 'reads') / seconds,
    read: trendOf(summary, 'read_duration'),
    wrong: countOf(summary, 'wrong'),
    dropped: countOf(summary, 'dropped_iterations'),
    usage,
    k6CpuSeconds,
    complaints,
  };
}
