import type { ReadingResult } from '../lib/reading.ts';
import type { Audit, Machine } from '../lib/results.ts';

/** The loads, in the order in which they come: the sale alone; 20 reads a purchase; as many reads as 100 readers can have. */
export const loads = {
  'sale alone': { readsOfPurchase: 0, readers: 0 },
  '20 reads a purchase': { readsOfPurchase: 20, readers: 0 },
  '100 readers': { readsOfPurchase: 0, readers: 100 },
} as const;
export type LoadName = keyof typeof loads;
export const loadNames = Object.keys(loads) as LoadName[];

export const replicas = [0, 1] as const;
export type Replicas = (typeof replicas)[number];

export interface ReadsTurn extends ReadingResult {
  round: number;
  load: LoadName;
  replicas: Replicas;
}

export interface ReadsResult {
  startedAt: string;
  stack: string;
  machine: Machine;
  turns: ReadsTurn[];
  audits: Audit[];
  brokenOff?: string;
  finishedAt?: string;
}
