/** How many values fell between the bound before and this one; the last entry counts those above all bounds. */
export type Counts = number[];

/**
 * The value below which a share of all values lies, as well as buckets can tell: within its bucket the values are taken
 * to lie evenly, and none above `max`. 0 when there are no values.
 */
export function percentile(bounds: readonly number[], counts: Counts, share: number, max: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= share * total) {
      const from = bounds[index - 1] ?? 0;
      const to = Math.max(from, Math.min(bounds[index] ?? max, max));
      return from + ((to - from) * (share * total - below)) / count;
    }
    below += count;
  }
  return max;
}
