import type { Counted } from '../counted.ts';
import type { Snapshot } from './snapshot.ts';
import type { Pair } from './merge.ts';

/** What checks prove, by its number among the guarantees in README.md. */
export const invariants = [1, 2, 3, 4, 5, 6] as const;
export type Invariant = (typeof invariants)[number];

/** What a check has looked at, and what it found wrong, in sentences that name ids; at most `maxFound` of them. */
export interface Finding {
  counted: number;
  wrong: string[];
}

export interface Check {
  invariant: Invariant;
  title: string;
  /** What is counted. */
  unit: Counted;
  readonly run: (snapshot: Snapshot) => Promise<Finding>;
}

/** The audit cannot tell; the message says why, for people. */
export class Undecided extends Error {}

/** More would say nothing new. */
export const maxFound = 10;

/** Looks at pair by pair until enough is wrong. */
export async function comparePairs<Left, Right>(
  pairs: AsyncIterable<Pair<Left, Right>>,
  wrongWith: (pair: Pair<Left, Right>) => string | undefined,
): Promise<Finding> {
  const finding: Finding = { counted: 0, wrong: [] };
  for await (const pair of pairs) {
    finding.counted += 1;
    const wrong = wrongWith(pair);
    if (wrong !== undefined && finding.wrong.push(wrong) >= maxFound) break;
  }
  return finding;
}
