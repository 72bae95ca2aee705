/** What a handful of paired ratios says, without assuming how they are distributed. */
export interface Spread {
  median: number;
  min: number;
  max: number;
  lowerQuartile: number;
  upperQuartile: number;
  /** Where the median of many more pairs would be, by the sign test, and how likely it is there (0.94: in 94 of 100 cases). */
  between: [low: number, high: number];
  confidence: number;
  /** How many ratios there were. */
  pairs: number;
}

const wantedConfidence = 0.95;

/** Undefined for no ratios at all. */
export function spreadOf(ratios: number[]): Spread | undefined {
  const sorted = ratios.toSorted((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) return undefined;
  const { skipped, confidence } = intervalOf(sorted.length);
  return {
    median: quantileOf(sorted, 0.5),
    min,
    max,
    lowerQuartile: quantileOf(sorted, 0.25),
    upperQuartile: quantileOf(sorted, 0.75),
    between: [sorted[skipped]!, sorted.at(-1 - skipped)!],
    confidence,
    pairs: sorted.length,
  };
}

export function medianOf(values: number[]): number | undefined {
  return values.length === 0
    ? undefined
    : quantileOf(
        values.toSorted((a, b) => a - b),
        0.5,
      );
}

/**
 * How many of n sorted values may be left out at either end so that the true median is still between the rest in 95 of 100
 * cases; none where n is too small for that. Each value is above the median or below it as a coin falls.
 */
export function intervalOf(n: number): { skipped: number; confidence: number } {
  const outside = (skipped: number) => {
    let ways = 1;
    let sum = 1;
    for (let k = 1; k <= skipped; k++) sum += ways *= (n - k + 1) / k;
    return 2 * sum * 0.5 ** n;
  };
  let skipped = 0;
  while (2 * (skipped + 1) < n && 1 - outside(skipped + 1) >= wantedConfidence) skipped++;
  return { skipped, confidence: Math.max(0, 1 - outside(skipped)) };
}

/** Between the two values next to it where it falls between them. */
function quantileOf(sorted: number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}
