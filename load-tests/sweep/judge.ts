import { endpoints, type Endpoint, type Objective } from '../objectives.ts';
import type { Level } from './results.ts';

/** Whether an endpoint kept its objective at a level, and if not, what it missed or why nothing can be said. */
export interface Compliance {
  endpoint: Endpoint;
  verdict: 'met' | 'missed' | 'not measured';
  reasons: string[];
}

/** Fewer answers have no 95th percentile worth the name: it would be the slowest but one. */
const fewestForP95 = 20;
const fewestForP99 = 100;

/** Judges every endpoint at one level. An endpoint with too few answers is not measured, which is not the same as met. */
export function complianceOf(level: Level, objectives: Record<Endpoint, Objective>): Compliance[] {
  return endpoints.map((endpoint) => {
    const { requests, wrong, failed, trend } = level.endpoints[endpoint];
    const objective = objectives[endpoint];
    const reasons: string[] = [];
    if (requests > 0 && wrong / requests > objective.maxErrorRate) {
      reasons.push(`${percent(wrong / requests)} of the answers wrong, ${percent(objective.maxErrorRate)} allowed`);
    }
    if (requests > 0 && 1 - failed / requests < objective.minAvailability) {
      reasons.push(`${percent(1 - failed / requests)} available, ${percent(objective.minAvailability)} promised`);
    }
    const answers = requests - failed;
    if (trend && answers >= fewestForP95 && trend.p95 > objective.p95Ms) {
      reasons.push(`p95 ${trend.p95.toFixed(0)} ms, ${objective.p95Ms} promised`);
    }
    if (trend && answers >= fewestForP99 && trend.p99 > objective.p99Ms) {
      reasons.push(`p99 ${trend.p99.toFixed(0)} ms, ${objective.p99Ms} promised`);
    }
    if (reasons.length > 0) return { endpoint, verdict: 'missed', reasons };
    if (!trend || answers < fewestForP95) {
      return { endpoint, verdict: 'not measured', reasons: [`only ${answers} answers: make the level longer`] };
    }
    return { endpoint, verdict: 'met', reasons };
  });
}

/** How much slower (p95) an endpoint is than at the lowest level, in percent. Undefined without both figures. */
export function degradationPercent(level: Level, lowest: Level | undefined, endpoint: Endpoint): number | undefined {
  const [now, then] = [level.endpoints[endpoint].trend?.p95, lowest?.endpoints[endpoint].trend?.p95];
  return now === undefined || !then ? undefined : (now / then - 1) * 100;
}

export interface Rank {
  endpoint: Endpoint;
  p95Ms: number;
  /** Of its objective: 0.5 leaves half of it, 2 takes twice as long as promised. */
  share: number;
}

/** The endpoints of a level from the best to the worst, each measured by its own objective. */
export function ranking(level: Level, objectives: Record<Endpoint, Objective>): Rank[] {
  const ranks = endpoints.flatMap((endpoint) => {
    const p95Ms = level.endpoints[endpoint].trend?.p95;
    return p95Ms === undefined ? [] : [{ endpoint, p95Ms, share: p95Ms / objectives[endpoint].p95Ms }];
  });
  return ranks.sort((one, other) => one.share - other.share);
}

function percent(share: number): string {
  const value = share * 100;
  return `${Number.isInteger(value) ? value : value.toFixed(2)} %`;
}
