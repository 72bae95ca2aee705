import type { Trend } from './k6-summary.ts';
import type { BacklogResult, BenchResult, LoadResult, RaceResult } from './results.ts';
import type { Verdict } from './targets.ts';
import type { IdleMemory, Usage } from './usage.ts';

/** The steps in the order of the journey; k6 keeps them in no order. */
const stepOrder = ['log in', 'create cart', 'fetch product', 'add item', 'reserve', 'pay'];

export function idleReport(idle: IdleMemory[]): string {
  const total = (key: 'pssBytes' | 'rssBytes') => idle.reduce((sum, one) => sum + one[key], 0);
  return table(
    ['at rest', 'PSS MB', 'RSS MB'],
    [
      ...idle.map(({ name, pssBytes, rssBytes }) => [name, megabytes(pssBytes), megabytes(rssBytes)]),
      ['total', megabytes(total('pssBytes')), megabytes(total('rssBytes'))],
    ],
  );
}

export function loadReport(load: LoadResult, yardstick?: LoadResult): string {
  const steps = Object.entries(load.steps).sort(([a], [b]) => stepOrder.indexOf(a) - stepOrder.indexOf(b));
  const trends: [string, Trend | undefined][] = [['all requests', load.all], ...steps, ['journey', load.journey]];
  const rows = trends.flatMap(([name, trend]) => (trend ? [[name, ...percentiles(trend)]] : []));
  const ratio = yardstick
    ? `, ${(load.requestsPerSecond / yardstick.requestsPerSecond).toFixed(3)} of the yardstick`
    : '';
  const journeys = load.journeys > 0 ? `, ${load.journeysPerSecond.toFixed(1)} journeys/s` : '';
  return [
    `${load.name}: ${load.requestsPerSecond.toFixed(0)} requests/s${journeys}${ratio}; ${load.failed} failed, ${load.wrong} wrong`,
    table(['ms', 'avg', 'p90', 'p95', 'p99', 'max'], rows),
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

export function raceReport(race: RaceResult): string {
  const trends: [string, Trend | undefined][] = [
    ['sold', race.soldTrend],
    ['sold out', race.soldOutTrend],
  ];
  return [
    `race of ${race.buyers} for ${race.stock}: ${race.sold} sold, ${race.soldOut} sold out, ${race.other} other`,
    table(
      ['ms', 'avg', 'p90', 'p95', 'p99', 'max'],
      trends.flatMap(([name, trend]) => (trend ? [[name, ...percentiles(trend)]] : [])),
    ),
    ...race.crossed.map((threshold) => `  not held: ${threshold}`),
    ...complaintsReport(race.complaints),
  ].join('\n');
}

export function backlogReport(backlog: BacklogResult): string {
  const { events, counted, usage } = backlog;
  const [rate, fromFirst, fromStart, toOrders] = [
    backlog.eventsPerSecond.toFixed(0),
    backlog.seconds.toFixed(1),
    backlog.secondsFromStart.toFixed(1),
    backlog.secondsToOrders.toFixed(1),
  ];
  return [
    `backlog of ${events}: ${rate} a second; held ${fromFirst} s after the first was taken, ` +
      `${fromStart} s after the start of the inventory; every order open after ${toOrders} s`,
    table(
      ['as they should be', ''],
      Object.entries(counted).map(([what, count]) => [what, String(count)]),
    ),
    '',
    table(
      ['process', 'CPU s', 'ms/request'],
      usage.map(({ name, cpuSeconds }) => [name, cpuSeconds.toFixed(2), ((cpuSeconds * 1_000) / events).toFixed(3)]),
    ),
  ].join('\n');
}

export function auditReport(audit: BenchResult['audit']): string {
  if (audit === undefined || typeof audit === 'string') return `audit: not run: ${audit ?? 'not asked for'}`;
  return `audit: ${audit.passed ? 'passed' : 'FAILED'}\n${indented(audit.output)}`;
}

export function verdictReport(verdicts: Verdict[]): string {
  return table(
    ['target', 'measured', ''],
    verdicts.map(({ target, measured, met, aim }) => [
      target,
      measured,
      met ? 'met' : aim ? 'not yet (aim)' : 'MISSED',
    ]),
  );
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

function percentiles({ avg, p90, p95, p99, max }: Trend): string[] {
  return [avg, p90, p95, p99, max].map((value) => value.toFixed(1));
}

function megabytes(bytes: number): string {
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
