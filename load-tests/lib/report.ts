import type { Audit, LoadResult, Trend } from './results.ts';
import type { Usage } from './usage.ts';

/** The steps in the order of the journey; k6 keeps them in no order. */
const stepOrder = ['log in', 'create cart', 'fetch product', 'add item', 'reserve', 'pay'];

export function loadReport(load: LoadResult): string {
  const steps = Object.entries(load.steps).sort(([a], [b]) => stepOrder.indexOf(a) - stepOrder.indexOf(b));
  const journeys = load.journeys > 0 ? `, ${load.journeysPerSecond.toFixed(1)} journeys/s` : '';
  return [
    `${load.name}: ${load.requestsPerSecond.toFixed(0)} requests/s${journeys}; ${load.failed} failed, ${load.wrong} wrong`,
    trendTable([['all requests', load.all], ...steps, ['journey', load.journey]]),
    '',
    usageReport(
      load.usage,
      load.journeys || load.requests,
      load.journeys ? 'ms/journey' : 'ms/request',
      load.k6CpuSeconds,
    ),
    ...complaintsReport(load.complaints),
  ].join('\n');
}

export function auditReport(audit: Audit | undefined): string {
  if (audit === undefined || typeof audit === 'string') return `audit: not run: ${audit ?? 'not asked for'}`;
  return `audit: ${audit.passed ? 'passed' : 'FAILED'}\n${indented(audit.output)}`;
}

function usageReport(usage: Usage[], units: number, perUnit: string, k6CpuSeconds: number): string {
  const rows = [...usage, { name: 'k6', cpuSeconds: k6CpuSeconds, peakBytes: 0 }].map(
    ({ name, cpuSeconds, peakBytes }) => [
      name,
      cpuSeconds.toFixed(2),
      units > 0 ? ((cpuSeconds * 1_000) / units).toFixed(3) : '',
      peakBytes > 0 ? megabytes(peakBytes) : '',
    ],
  );
  return table(['process', 'CPU s', perUnit, 'peak MB'], rows);
}

/** Equal lines from hundreds of virtual users are one line with a count. */
export function complaintsReport(complaints: string): string[] {
  const counts = new Map<string, number>();
  for (const line of complaints.split('\n').filter(Boolean)) {
    const message = line.replace(/^time="[^"]*" /, '').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>');
    counts.set(message, (counts.get(message) ?? 0) + 1);
  }
  return [...counts].slice(0, 10).map(([message, count]) => `  ${count} × ${message.slice(0, 400)}`);
}

/** Of those that have samples. */
export function trendTable(trends: [name: string, trend: Trend | undefined][]): string {
  const rows = trends.flatMap(([name, trend]) => (trend ? [[name, ...percentiles(trend)]] : []));
  return table(['ms', 'avg', 'p90', 'p95', 'p99', 'max'], rows);
}

function percentiles({ avg, p90, p95, p99, max }: Trend): string[] {
  return [avg, p90, p95, p99, max].map((value) => value.toFixed(1));
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

/** Columns wide enough for what stands in them; the first one left, the others right, except for words. */
export function table(head: string[], rows: string[][]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const isText = head.map((_, column) => column === 0 || rows.some((row) => /[a-z]/i.test(row[column] ?? '')));
  const line = (row: string[]) =>
    row.map((cell, column) => (isText[column] ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)));
  return all.map((row) => `  ${line(row).join('  ')}`.trimEnd()).join('\n');
}
