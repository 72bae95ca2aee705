import { leastSquares } from './least-squares.ts';

/**
 * Gunther's universal scalability law: the throughput of N users is X(N) = λN / (1 + σ(N−1) + κN(N−1)). λ is the throughput
 * of one user alone, σ the share of work that goes one by one (contention: it bends the curve to a ceiling), κ the cost of
 * agreeing with each of the others (coherency: it bends the curve down again).
 *
 * Sources: N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007, chapters 4 to 6; N. J. Gunther, "A General Theory of
 * Computational Scalability Based on Rational Functions", arXiv:0808.1431; for λ as a third parameter, where the load of one
 * user was not measured: B. Schwartz, "Practical Scalability Analysis with the Universal Scalability Law", 2015.
 */
export interface Law {
  lambda: number;
  sigma: number;
  kappa: number;
}

export interface Point {
  vus: number;
  /** Requests per second. */
  throughput: number;
}

export function throughputAt({ lambda, sigma, kappa }: Law, vus: number): number {
  return (lambda * vus) / (1 + sigma * (vus - 1) + kappa * vus * (vus - 1));
}

/**
 * The law with the least sum of squared relative errors. Turned over, the law is linear in a = 1/λ, b = σ/λ and c = κ/λ:
 * N/X = a + b(N−1) + cN(N−1). Each line is weighted by X/N, so that the residual is X/X̂ − 1: every level counts the same,
 * whatever its throughput. What is left is linear least squares under 0 ≤ b ≤ a (σ is a share) and c ≥ 0. That is convex, so
 * the optimum is the best solution among the faces of the bounds that keeps them (C. L. Lawson, R. J. Hanson, "Solving Least
 * Squares Problems", chapter 23): six small systems instead of an iteration that may end anywhere.
 *
 * Undefined for fewer than three usable points: any curve passes through them.
 */
export function fitLaw(points: Point[]): Law | undefined {
  const usable = points.filter(({ vus, throughput }) => vus >= 1 && throughput > 0 && Number.isFinite(throughput));
  if (usable.length < 3) return undefined;
  const fits = faces.flatMap((face) => {
    const law = solveFace(usable, face);
    return law ? [{ law, error: squaredError(usable, law) }] : [];
  });
  return fits.sort((one, other) => one.error - other.error)[0]?.law;
}

/** ProcessTree mean square of the relative errors: 0.05 means that the law is typically 5 % off. */
export function relativeError(points: Point[], law: Law): number {
  return Math.sqrt(squaredError(points, law) / points.length);
}

/** Where throughput is highest: N* = √((1−σ)/κ), and infinitely far away without coherency. Beyond it, more users get less done. */
export function peakVus({ sigma, kappa }: Law): number {
  return kappa === 0 ? Infinity : Math.max(1, Math.sqrt(Math.max(0, 1 - sigma) / kappa));
}

/** What the law never exceeds; infinite if it grows for ever. */
export function peakThroughput(law: Law): number {
  if (law.kappa > 0) return throughputAt(law, peakVus(law));
  return law.sigma > 0 ? law.lambda / law.sigma : Infinity;
}

/**
 * The fewest users that reach this share of the peak: the smaller solution of X(N) = share · X(N*), a quadratic in N. Infinite if
 * throughput grows for ever.
 */
export function vusAtShareOfPeak(law: Law, share: number): number {
  const level = peakThroughput(law) * share;
  if (!Number.isFinite(level)) return Infinity;
  const { lambda, sigma, kappa } = law;
  const [square, linear, constant] = [level * kappa, level * (sigma - kappa) - lambda, level * (1 - sigma)];
  const root = Math.sqrt(Math.max(0, linear * linear - 4 * square * constant));
  return Math.max(1, (2 * constant) / (root - linear)); // this form keeps its digits where κ is close to 0
}

type Column = (vus: number) => number;
interface Face {
  columns: Column[];
  /** From the solution of these columns to a, b and c. */
  coefficients: (solution: number[]) => [number, number, number];
}

const alone: Column = () => 1;
const contention: Column = (vus) => vus - 1;
const coherency: Column = (vus) => vus * (vus - 1);
/** σ = 1: a and b are one. */
const serial: Column = (vus) => vus;

const faces: Face[] = [
  { columns: [alone, contention, coherency], coefficients: ([a = 0, b = 0, c = 0]) => [a, b, c] },
  { columns: [alone, contention], coefficients: ([a = 0, b = 0]) => [a, b, 0] },
  { columns: [alone, coherency], coefficients: ([a = 0, c = 0]) => [a, 0, c] },
  { columns: [alone], coefficients: ([a = 0]) => [a, 0, 0] },
  { columns: [serial, coherency], coefficients: ([a = 0, c = 0]) => [a, a, c] },
  { columns: [serial], coefficients: ([a = 0]) => [a, a, 0] },
];

function solveFace(points: Point[], { columns, coefficients }: Face): Law | undefined {
  const rows = points.map(({ vus, throughput }) => columns.map((column) => (column(vus) * throughput) / vus));
  const solution = leastSquares(
    rows,
    rows.map(() => 1),
  );
  if (!solution) return undefined;
  const [a, b, c] = coefficients(solution);
  return a > 0 && b >= 0 && b <= a && c >= 0 ? { lambda: 1 / a, sigma: b / a, kappa: c / a } : undefined;
}

function squaredError(points: Point[], law: Law): number {
  return points.reduce((sum, { vus, throughput }) => sum + (throughput / throughputAt(law, vus) - 1) ** 2, 0);
}
