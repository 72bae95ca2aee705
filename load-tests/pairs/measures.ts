import type { LoadResult } from '../lib/results.ts';

/** What is compared of two turns. */
export interface Measure {
  name: string;
  unit: string;
  better: 'higher' | 'lower';
  /**
   * Whether a lower ratio makes this tree the slower one. A percentile of a quarter of a minute, and a component that takes a
   * twentieth of the processor time, change by more than three percent of themselves: they are shown, and decide nothing.
   */
  decides: boolean;
  digits: number;
  /** Undefined where it was not measured. */
  of: (load: LoadResult) => number | undefined;
}

const components = ['node', 'postgres', 'redis', 'rabbitmq', 'nginx'] as const;
type Component = (typeof components)[number];

export const measures: Measure[] = [
  { name: 'requests', unit: '1/s', better: 'higher', decides: true, digits: 0, of: (load) => load.requestsPerSecond },
  { name: 'journeys', unit: '1/s', better: 'higher', decides: true, digits: 1, of: (load) => load.journeysPerSecond },
  latency('journey p50', (load) => load.journey?.med),
  latency('journey p95', (load) => load.journey?.p95),
  latency('reserve p50', (load) => load.steps.reserve?.med),
  latency('reserve p95', (load) => load.steps.reserve?.p95),
  { ...cpu('CPU a journey', () => true), decides: true },
  ...components.map((component) => cpu(`… ${component}`, (name) => componentOf(name) === component)),
];

function latency(name: string, of: Measure['of']): Measure {
  return { name, unit: 'ms', better: 'lower', decides: false, digits: 1, of };
}

function cpu(name: string, counts: (process: string) => boolean): Measure {
  const of = ({ usage, journeys }: LoadResult) => {
    const seconds = usage.filter(({ name }) => counts(name)).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    return journeys > 0 && seconds > 0 ? (1_000 * seconds) / journeys : undefined;
  };
  return { name, unit: 'ms', better: 'lower', decides: false, digits: 2, of };
}

/** Of a process, by its name in the stack file. What is no server runs on Node, however a tree may have laid out its services. */
function componentOf(process: string): Component | 'influxdb' {
  if (process === 'epmd') return 'rabbitmq';
  if (process.startsWith('influxdb')) return 'influxdb';
  return components.find((component) => component === process) ?? 'node';
}
