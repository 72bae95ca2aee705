import { leastSquares } from './least-squares.ts';
import type { Point } from './scalability.ts';

/** Where growth ends, seen without any model of the system. */
export interface ChangePoint {
  /** A measured level. */
  vus: number;
  /** Elasticities: how many percent more throughput one percent more users bring, up to this level and beyond. */
  before: number;
  after: number;
  /** Sum of squared errors as a share of that of a single straight line. */
  errorShare: number;
}

/** Below it, growth has ended: ten times the users bring less than half as much again. */
const flat = 0.18;
/** The bend has to explain most of what one straight line leaves unexplained. */
const maxErrorShare = 0.5;

/**
 * The level at which throughput bends, by segmented regression with one break (V. M. R. Muggeo, "Estimating regression models
 * with unknown break-points", Statistics in Medicine 22, 2003) of log throughput on log users: two lines that meet at a measured
 * level, which one being decided by the least squared error. With so few levels a break between them would be a guess.
 *
 * `flat from the start` if the whole line is flat; undefined if nothing bends, if it bends upwards, or still grows afterwards.
 */
export function findChangePoint(points: Point[]): ChangePoint | 'flat from the start' | undefined {
  const logs = points
    .filter(({ vus, throughput }) => vus > 0 && throughput > 0)
    .map(({ vus, throughput }) => ({ vus, x: Math.log(vus), y: Math.log(throughput) }));
  if (logs.length < 4) return undefined;
  const line = regression(logs, undefined);
  if (line.before < flat && elasticities(points).every((growth) => growth < flat)) return 'flat from the start';
  const bends = logs.slice(1, -1).map(({ vus, x }) => ({ vus, ...regression(logs, x) }));
  const best = bends.sort((one, other) => one.error - other.error)[0];
  if (!best) return undefined;
  const errorShare = line.error > 0 ? best.error / line.error : 1;
  const isBend = errorShare <= maxErrorShare && best.after < flat && best.before > best.after;
  return isBend ? { vus: best.vus, before: best.before, after: best.after, errorShare } : undefined;
}

/** Between each level and the next, how many percent more of it one percent more users bring: 1 is in proportion, 0 nothing. */
export function elasticities(points: Point[]): number[] {
  return points.slice(1).map(({ vus, throughput }, at) => {
    const last = points[at] ?? { vus, throughput };
    return Math.log(throughput / last.throughput) / Math.log(vus / last.vus);
  });
}

/** y = start + before·x, and beyond the hinge a slope of `after`. */
function regression(points: { x: number; y: number }[], hinge: number | undefined) {
  // Seen from the hinge, both arms are slopes through one common height: three unknowns.
  const origin = hinge ?? 0;
  const rows = points.map(({ x }) => {
    const away = x - origin;
    return hinge === undefined ? [1, away] : [1, Math.min(0, away), Math.max(0, away)];
  });
  const solution =
    leastSquares(
      rows,
      points.map(({ y }) => y),
    ) ?? [];
  const [, before = 0, after = before] = solution;
  const error = points.reduce((sum, { y }, at) => {
    const fitted = (rows[at] ?? []).reduce((total, value, k) => total + value * (solution[k] ?? 0), 0);
    return sum + (y - fitted) ** 2;
  }, 0);
  return { before, after, error };
}
