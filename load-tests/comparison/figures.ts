import type { StackResult, Run } from './results.ts';
import type { StudyFigures } from './study.ts';

/** Mean and range over the runs of a level. */
export interface Spread {
  mean: number;
  min: number;
  max: number;
  runs: number;
}

export interface Metric {
  name: string;
  unit: string;
  better: 'lower' | 'higher';
  /** Whether it changes as the machine grows faster or slower; then a difference must exceed what the yardstick changed. */
  followsMachine: boolean;
  digits: number;
  /** Undefined where it was not measured. */
  ofRun: (run: Run, result: StackResult) => number | undefined;
  /** All runs of a level together, where a run by itself has no value. */
  ofResult?: (result: StackResult, vus: number) => Spread | undefined;
  /** Undefined where the study has none. */
  ofStudy?: (figures: StudyFigures) => number;
  /** The study has a figure of that name, but does not say of what: neither it nor its winner can be held against ours. */
  unlikeStudy?: true;
}

/** The rows of the study, and then what it does not have. */
export const metrics: Metric[] = [
  latency('average', 'avg', ({ avgMs }) => avgMs),
  latency('p90', 'p90', ({ p90Ms }) => p90Ms),
  latency('p95', 'p95', ({ p95Ms }) => p95Ms),
  {
    name: 'CPU',
    unit: '% of the machine',
    better: 'lower',
    followsMachine: true, // what others on the machine take, the stack cannot
    digits: 1,
    ofRun: (run, { machine }) => {
      const cores = meanTotal(run, 'cores');
      return cores === undefined ? undefined : (100 * cores) / machine.cores;
    },
    ofStudy: ({ cpuPercent }) => cpuPercent,
    unlikeStudy: true,
  },
  {
    name: 'memory',
    unit: 'MB',
    better: 'lower',
    followsMachine: false,
    digits: 0,
    ofRun: (run) => {
      const bytes = meanTotal(run, 'bytes');
      return bytes === undefined ? undefined : bytes / 1e6;
    },
    ofStudy: ({ memoryMb }) => memoryMb,
    unlikeStudy: true,
  },
  {
    name: 'failed requests',
    unit: '%',
    better: 'lower',
    followsMachine: false,
    digits: 2,
    ofRun: ({ failed, requests }) => (requests > 0 ? (100 * failed) / requests : undefined),
    ofStudy: ({ failedPercent }) => failedPercent,
  },
  {
    name: 'throughput',
    unit: 'requests/s',
    better: 'higher',
    followsMachine: true,
    digits: 0,
    ofRun: (run) => run.requestsPerSecond,
    ofStudy: ({ requestsPerSecond }) => requestsPerSecond,
  },
  {
    name: 'purchases',
    unit: 'journeys/s',
    better: 'higher',
    followsMachine: true,
    digits: 1,
    ofRun: (run) => run.journeysPerSecond,
  },
  {
    name: 'CPU per purchase',
    unit: 'ms',
    better: 'lower',
    followsMachine: true,
    digits: 2,
    ofRun: ({ usage, journeys }) => {
      const seconds = usage.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
      return journeys > 0 && usage.length > 0 ? (seconds * 1_000) / journeys : undefined;
    },
  },
];

function latency(name: string, key: 'avg' | 'p90' | 'p95', ofStudy: (figures: StudyFigures) => number): Metric {
  return {
    name: `${name} latency`,
    unit: 'ms',
    better: 'lower',
    followsMachine: true,
    digits: 0,
    ofRun: ({ all }) => all?.[key],
    ofStudy,
  };
}

/** All services together, on average over the seconds under load. Undefined where nothing was seen of them. */
function meanTotal({ timeline: { usage }, seconds }: Run, key: 'cores' | 'bytes'): number | undefined {
  const under = usage.second.flatMap((second, at) => (second <= seconds ? [at] : []));
  if (under.length === 0 || usage.services.length === 0) return undefined;
  const total = usage.services.reduce((sum, one) => sum + under.reduce((all, at) => all + (one[key][at] ?? 0), 0), 0);
  return total / under.length;
}

export function spreadOf(values: (number | undefined)[]): Spread | undefined {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return undefined;
  return {
    mean: known.reduce((sum, value) => sum + value, 0) / known.length,
    min: Math.min(...known),
    max: Math.max(...known),
    runs: known.length,
  };
}
