import type { Trend } from './results.ts';

/** What `k6 run --summary-export` writes: a flat object of values per metric; of tagged metrics too, as `name{tag:value}`. */
export interface K6Summary {
  metrics: Record<string, Record<string, unknown>>;
}

/** The count of a counter metric; 0 if nothing was counted. */
export function countOf(summary: K6Summary, metric: string): number {
  return numberOf(summary, metric, 'count') ?? 0;
}

/** The last value of a gauge. */
export function gaugeOf(summary: K6Summary, metric: string): number | undefined {
  return numberOf(summary, metric, 'value');
}

/** Counted per second of the whole run, set-up included. */
export function ratePerSecondOf(summary: K6Summary, metric: string): number {
  return numberOf(summary, metric, 'rate') ?? 0;
}

/** How often a rate metric was non-zero: of http_req_failed, the failed requests. */
export function passesOf(summary: K6Summary, metric: string): number {
  return numberOf(summary, metric, 'passes') ?? 0;
}

/** How often a rate metric was zero: of checks, those that did not hold. */
export function failsOf(summary: K6Summary, metric: string): number {
  return numberOf(summary, metric, 'fails') ?? 0;
}

/** The percentiles of a trend metric in its own unit (k6: milliseconds). Undefined if it has no samples. */
export function trendOf(summary: K6Summary, metric: string): Trend | undefined {
  const names = { avg: 'avg', min: 'min', med: 'med', p90: 'p(90)', p95: 'p(95)', p99: 'p(99)', max: 'max' };
  const trend: Partial<Trend> = {};
  for (const [key, name] of Object.entries(names)) {
    const value = numberOf(summary, metric, name);
    if (value === undefined) return undefined;
    trend[key as keyof Trend] = value;
  }
  return trend.max === 0 ? undefined : (trend as Trend);
}

/** The values of one tag that have a metric of their own: of `http_req_duration{name:pay}` and tag `name`, `pay`. */
export function tagValuesOf(summary: K6Summary, metric: string, tag: string): string[] {
  const start = `${metric}{${tag}:`;
  const found = Object.keys(summary.metrics).filter((name) => name.startsWith(start) && name.endsWith('}'));
  return found.map((name) => name.slice(start.length, -1)).sort();
}

/** The thresholds that did not hold, as `metric: expression`. In the export `true` means crossed. */
export function crossedThresholds(summary: K6Summary): string[] {
  return Object.entries(summary.metrics).flatMap(([metric, values]) =>
    Object.entries((values.thresholds ?? {}) as Record<string, boolean>)
      .filter(([, crossed]) => crossed)
      .map(([expression]) => `${metric}: ${expression}`),
  );
}

function numberOf(summary: K6Summary, metric: string, value: string): number | undefined {
  const found = summary.metrics[metric]?.[value];
  return typeof found === 'number' ? found : undefined;
}
