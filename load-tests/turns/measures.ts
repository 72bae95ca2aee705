import type { LoadResult } from '../lib/results.ts';
import { componentOf, components } from '../lib/usage.ts';

/** What is compared of two turns. */
export interface Measure {
  name: string;
  unit: string;
  better: 'higher' | 'lower';
  /**
   * Whether it decides if one tree is slower than another. A percentile of a quarter of a minute, and a component that takes a
   * twentieth of the processor time, change by more than three percent of themselves: they are shown, and decide nothing.
   */
  decides: boolean;
  /** Whether it grows better with the part of the machine that a side can have. */
  sharesMachine: boolean;
  digits: number;
  /** Undefined where it was not measured. */
  of: (load: LoadResult) => number | undefined;
}

const rate = { unit: '1/s', better: 'higher', decides: true, sharesMachine: true } as const;

export const requests: Measure = { ...rate, name: 'requests', digits: 0, of: (load) => load.requestsPerSecond };
export const journeys: Measure = {
  ...rate,
  name: 'journeys',
  digits: 1,
  of: (load) => load.journeysPerSecond || undefined,
};
export const p95 = latency('request p95', (load) => load.all?.p95);

export const measures: Measure[] = [
  requests,
  journeys,
  latency('request p50', (load) => load.all?.med),
  p95,
  latency('journey p50', (load) => load.journey?.med),
  latency('journey p95', (load) => load.journey?.p95),
  latency('reserve p50', (load) => load.steps['reserve']?.med),
  latency('reserve p95', (load) => load.steps['reserve']?.p95),
  { ...cpu('CPU a journey', () => true), decides: true },
  ...components.map((component) => cpu(`… ${component}`, (name) => componentOf(name) === component)),
];

function latency(name: string, of: Measure['of']): Measure {
  return { name, unit: 'ms', better: 'lower', decides: false, sharesMachine: true, digits: 1, of };
}

function cpu(name: string, counts: (process: string) => boolean): Measure {
  const of = ({ usage, journeys }: LoadResult) => {
    const seconds = usage.filter(({ name }) => counts(name)).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    return journeys > 0 && seconds > 0 ? (1_000 * seconds) / journeys : undefined;
  };
  return { name, unit: 'ms', better: 'lower', decides: false, sharesMachine: false, digits: 2, of };
}
