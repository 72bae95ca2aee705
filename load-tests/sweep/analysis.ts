import { objectives, promisedVus, type Endpoint } from '../objectives.ts';
import { findBreakingPoint, type BreakingPoint } from './breaking-point.ts';
import { complianceOf, degradationPercent, ranking, type Compliance, type Rank } from './judge.ts';
import { checklist, recommendations, type Line } from './readiness.ts';
import { muchOtherLoad, otherLoad } from './saturation.ts';
import { missingLevels, type Level, type SweepResult } from './results.ts';

/** All that is said about a result. Made anew from the figures each time, so that it can be judged by other objectives later. */
export interface Analysis {
  /** What a reader must know before any figure. */
  remarks: string[];
  levels: {
    level: Level;
    promised: boolean;
    compliance: Compliance[];
    degradation: Record<Endpoint, number | undefined>;
  }[];
  /** From the best to the worst, at the highest level within the promise. */
  ranking: { vus: number; ranks: Rank[] } | undefined;
  breakingPoint: BreakingPoint;
  checklist: Line[];
  recommendations: { vus: number; lines: string[] } | undefined;
  /** True if every promised objective was measured and met, up to the load to which it is promised, and the audit found nothing. */
  kept: boolean;
}

export function analyse(result: SweepResult): Analysis {
  const lowest = result.levels[0]?.vus === result.plannedVus[0] ? result.levels[0] : undefined;
  const levels = result.levels.map((level) => {
    const compliance = complianceOf(level, objectives);
    const degradation = Object.fromEntries(
      compliance.map(({ endpoint }) => [endpoint, degradationPercent(level, lowest, endpoint)]),
    ) as Record<Endpoint, number | undefined>;
    return { level, promised: level.vus <= promisedVus, compliance, degradation };
  });
  const top = levels.filter(({ promised }) => promised).at(-1)?.level ?? levels[0]?.level;
  const breakingPoint = findBreakingPoint(result.levels);
  const met = levels
    .filter(({ promised }) => promised)
    .every(({ compliance }) => compliance.every(({ verdict }) => verdict === 'met'));
  return {
    remarks: remarksOf(result, lowest),
    levels,
    ranking: top && { vus: top.vus, ranks: ranking(top, objectives) },
    breakingPoint,
    checklist: checklist(result, breakingPoint),
    recommendations: recommendations(result, breakingPoint),
    kept:
      met &&
      levels.some(({ level }) => level.vus === promisedVus) &&
      missingLevels(result).length === 0 &&
      result.finishedAt !== undefined &&
      result.brokenOff === undefined &&
      (typeof result.audit === 'string' || result.audit.passed),
  };
}

function remarksOf(result: SweepResult, lowest: Level | undefined): string[] {
  const missing = missingLevels(result);
  const untold = missing.filter((vus) => !result.failures.some((failure) => failure.vus === vus));
  return [
    ...(result.quick
      ? ['A quick look: short levels. It shows that everything works; its figures are not worth quoting.']
      : []),
    ...(result.brokenOff === undefined ? [] : [`It was broken off: ${result.brokenOff.replace(/\.$/, '')}.`]),
    ...(result.finishedAt === undefined && result.brokenOff === undefined
      ? ['It did not come to its end and does not say why: what follows is what had been written by then.']
      : []),
    ...result.failures.map(({ vus, reason }) => `${vus} virtual users could not be measured: ${reason.trim()}`),
    ...(untold.length > 0 ? [`Never measured: ${untold.join(', ')} virtual users.`] : []),
    ...(lowest ? [] : ['Without the lowest planned level there is no degradation to tell.']),
    ...otherLoadRemark(result),
    ...result.levels
      .filter(({ complaints }) => complaints.trim() !== '')
      .map(
        ({ vus, complaints }) =>
          `k6 complained at ${vus} virtual users: ${complaints.trim().split('\n')[0]?.slice(0, 300)}`,
      ),
  ];
}

/** The levels may have been measured under different loads of others; then they may not be compared with each other. */
function otherLoadRemark({ levels, machine }: SweepResult): string[] {
  const disturbed = levels.flatMap(({ vus, resources }) => {
    const cores = otherLoad(resources) ?? 0;
    return cores / machine.cores > muchOtherLoad ? [`${cores.toFixed(2)} at ${vus}`] : [];
  });
  return disturbed.length === 0
    ? []
    : [
        `Of ${machine.cores} processors so many were busy with neither the shop nor k6: ${disturbed.join(', ')} virtual users. These levels look slower than they are, and comparing them says little.`,
      ];
}
