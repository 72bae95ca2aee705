import type { UsageSample } from '../lib/usage.ts';

/** How a run went: what k6 counted and how long answers took, and what each service used; a value per second. */
export interface Timeline {
  load: { second: number[]; requests: number[]; med: number[]; p95: number[] };
  /** `cores` is processor time per second; both instances of a service are one. Empty where there is no /proc. */
  usage: { second: number[]; services: { name: string; cores: number[]; bytes: number[] }[] };
}

/**
 * Reads the record of k6's dashboard: a JSON document a line. A snapshot holds only values, in the order of the names of all
 * metrics known by then; what each value is, the first line says. It was chosen because k6 sums up each second by itself:
 * writing every sample to a CSV file costs k6 a fifth of its processor time, this cannot be told from none.
 * @throws if the record is not of that form
 */
export function loadPerSecond(record: string, startedAtMs: number): Timeline['load'] {
  const load: Timeline['load'] = { second: [], requests: [], med: [], p95: [] };
  const types = new Map<string, string>();
  let aggregates: Record<string, string[]> = {};
  for (const line of record.split('\n').filter(Boolean)) {
    const { event, data } = JSON.parse(line) as RecordLine;
    if (event === 'param') aggregates = data.aggregates;
    if (event === 'metric') for (const [name, { type }] of Object.entries(data)) types.set(name, type);
    if (event !== 'snapshot') continue;
    const names = [...types.keys()].sort();
    const value = (metric: string, aggregate: string) => {
      const at = (aggregates[types.get(metric) ?? ''] ?? []).indexOf(aggregate);
      return data[names.indexOf(metric)]?.[at];
    };
    const endsAtMs = value('time', 'value');
    if (endsAtMs === undefined) throw new Error('the record of k6 has a snapshot without a time');
    load.second.push(rounded((endsAtMs - startedAtMs) / 1_000));
    load.requests.push(value('http_reqs', 'count') ?? 0);
    load.med.push(rounded(value('http_req_duration', 'med') ?? 0));
    load.p95.push(rounded(value('http_req_duration', 'p(95)') ?? 0));
  }
  return load;
}

type RecordLine =
  | { event: 'param'; data: { aggregates: Record<string, string[]> } }
  | { event: 'metric'; data: Record<string, { type: string }> }
  | { event: 'snapshot'; data: (number[] | undefined)[] }
  | { event: 'start' | 'cumulative' | 'stop'; data: unknown };

/** What each service used between a sample and the next, and had in memory at its end. */
export function usagePerSecond(samples: UsageSample[], startedAtMs: number): Timeline['usage'] {
  const later = samples.slice(1);
  const names = new Set(samples[0]?.trees.map(({ name }) => serviceOf(name)));
  return {
    second: later.map(({ atMs }) => rounded((atMs - startedAtMs) / 1_000)),
    services: [...names].map((service) => {
      const total = (sample: UsageSample | undefined, key: 'cpuSeconds' | 'bytes') =>
        (sample?.trees ?? []).filter(({ name }) => serviceOf(name) === service).reduce((sum, one) => sum + one[key], 0);
      return {
        name: service,
        cores: later.map((sample, at) => {
          const seconds = (sample.atMs - (samples[at]?.atMs ?? 0)) / 1_000;
          return rounded((total(sample, 'cpuSeconds') - total(samples[at], 'cpuSeconds')) / seconds);
        }),
        bytes: later.map((sample) => total(sample, 'bytes')),
      };
    }),
  };
}

/** `order-2` is an instance of `order`. */
function serviceOf(process: string): string {
  return process.replace(/-\d+$/, '');
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
