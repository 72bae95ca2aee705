import { elasticities, findChangePoint } from './change-point.ts';
import { rightPerSecond, type Level } from './results.ts';
import {
  fitLaw,
  peakThroughput,
  peakVus,
  relativeError,
  vusAtShareOfPeak,
  type Law,
  type Point,
} from './scalability.ts';

/** Where throughput stops growing while latency climbs, or why there is no such number; the reasoning in sentences. */
export interface BreakingPoint {
  /** Undefined if none was found, or none that may be believed. */
  vus: number | undefined;
  /** The highest level, where throughput grows even there. */
  growsAt?: number;
  /** The law, if it describes the figures. */
  law: Law | undefined;
  reasoning: string[];
}

/** With three parameters, a curve through three levels proves nothing. */
const fewestLevels = 4;
/** A law that is further off than this, typically, does not describe what was measured. */
const maxRelativeError = 0.1;
/** Growth has ended where this share of the peak is reached: the rest is within the spread of two runs. */
const grown = 0.95;
/** How far the point may move when a single level is left out. */
const maxMovement = 2;

export function findBreakingPoint(levels: Level[]): BreakingPoint {
  const points = levels.map((level) => ({ vus: level.vus, throughput: rightPerSecond(level) }));
  const none = { vus: undefined, law: undefined };
  if (points.length < fewestLevels) {
    const reason = `${points.length} measured levels are too few for a law with three parameters; ${fewestLevels} are needed.`;
    return { ...none, reasoning: [reason] };
  }
  const law = fitLaw(points);
  if (!law) return { ...none, reasoning: ['On fewer than three levels anything got done; there is nothing to fit.'] };
  const error = relativeError(points, law);
  const bend = sayChangePoint(points);
  const latency = sayLatency(levels);
  if (error > maxRelativeError) {
    const reason = `The universal scalability law does not describe these figures: it is typically ${percent(error)} off, and ${percent(maxRelativeError)} is the most that is believed. (It knows of no gain by size; here larger crowds share transactions, and other load on the machine changes too.) No breaking point is derived from it.`;
    return { ...none, reasoning: [reason, bend.text, latency] };
  }
  const description = `Fitted by least squares of the relative error: λ = ${law.lambda.toFixed(1)} requests/s for one user, σ = ${scientific(law.sigma)} (contention), κ = ${scientific(law.kappa)} (coherency); typically ${percent(error)} off.`;
  const { text, ...found } = judgeLaw(law, points);
  const agreement = found.vus === undefined ? [] : [agreementOf(found.vus, bend.vus, points)];
  return { ...found, law, reasoning: [description, text, bend.text, ...agreement, latency] };
}

function judgeLaw(law: Law, points: Point[]): Pick<BreakingPoint, 'vus' | 'growsAt'> & { text: string } {
  const [lowest, highest] = [points[0]?.vus ?? 0, points.at(-1)?.vus ?? 0];
  const vus = vusAtShareOfPeak(law, grown);
  if (vus > highest) {
    const where = Number.isFinite(vus) ? `by the law growth would end at about ${rounded(vus)}, which` : 'its end';
    const text = `Throughput still grows at ${highest} virtual users, the highest level: ${where} was not measured and is no finding.`;
    return { vus: undefined, growsAt: highest, text };
  }
  const peak = peakVus(law);
  const turn =
    peak <= highest
      ? `From √((1−σ)/κ) = ${rounded(peak)} on it falls.`
      : `It falls nowhere within the levels${Number.isFinite(peak) ? ` (by the law from ${rounded(peak)} on)` : ' (κ is 0)'}.`;
  const reach = `the law reaches ${percent(grown)} of its peak of ${peakThroughput(law).toFixed(0)} requests/s at ${rounded(vus)} virtual users`;
  if (vus < lowest) {
    const text = `Throughput had stopped growing at or below the lowest level: ${reach}. ${turn} Lower levels would show where.`;
    return { vus: lowest, text };
  }
  const others = points.flatMap((_, left) => fitLaw(points.filter((_, at) => at !== left)) ?? []);
  const found = others.map((other) => vusAtShareOfPeak(other, grown));
  const [least, most] = [Math.min(vus, ...found), Math.max(vus, ...found)];
  if (most / vus > maxMovement || vus / least > maxMovement) {
    const far = Number.isFinite(most) ? String(rounded(most)) : 'infinity';
    const text = `By the fit ${reach}, but that hinges on single levels: without one of them it lies anywhere from ${rounded(least)} to ${far}. No number is given.`;
    return { vus: undefined, text };
  }
  const text = `Growth ends where ${reach} (${rounded(least)} to ${rounded(most)} with any one level left out). ${turn}`;
  return { vus: rounded(vus), text };
}

function sayChangePoint(points: Point[]): { vus: number | undefined; text: string } {
  const found = findChangePoint(points);
  if (found === undefined) {
    return {
      vus: undefined,
      text: 'Change-point: two lines describe throughput no better than one, or it still grows after the bend.',
    };
  }
  if (found === 'flat from the start') {
    const text = 'Change-point: throughput is flat from the lowest level on.';
    return { vus: points[0]?.vus, text };
  }
  const { vus, before, after, errorShare } = found;
  const text = `Change-point: throughput bends at ${vus} virtual users; up to there 1 % more users bring ${before.toFixed(2)} % more, beyond ${after.toFixed(2)} % (the bend leaves ${percent(errorShare)} of the error of one straight line).`;
  return { vus, text };
}

function agreementOf(vus: number, bend: number | undefined, points: Point[]): string {
  if (bend === undefined) return 'The change-point does not confirm the law: take the number with care.';
  const between = points.filter((point) => point.vus > Math.min(vus, bend) && point.vus < Math.max(vus, bend));
  return between.length <= 1
    ? 'Both agree to within one level.'
    : `They disagree: growth ends somewhere between ${Math.min(vus, bend)} and ${Math.max(vus, bend)}. More levels there would tell.`;
}

/** Without think time N = X · R (Little's law): once X stands still, R has to grow in proportion to N. The figures should show it. */
function sayLatency(levels: Level[]): string {
  const known = levels.flatMap(({ vus, all }) => (all ? [{ vus, throughput: all.avg }] : []));
  const steps = elasticities(known).map(
    (growth, at) => `${known[at]?.vus} → ${known[at + 1]?.vus}: ${growth.toFixed(2)} %`,
  );
  return `Latency for 1 % more users (1 % is in proportion, as Little's law wants it once throughput stands still): ${steps.join(', ')}.`;
}

function rounded(vus: number): number {
  return Number(vus.toPrecision(2));
}
function scientific(value: number): string {
  return value === 0 ? '0' : value.toPrecision(2);
}
function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
