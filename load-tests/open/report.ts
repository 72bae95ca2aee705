import type { ArrivalsResult } from '../lib/arrivals.ts';
import { complaintsReport, table, trendTable } from '../lib/report.ts';
import { medianOf } from '../turns/statistics.ts';
import type { OpenLevel, OpenResult } from './results.ts';

/** What one level has shown. */
export const levelReport = (level: OpenLevel): string => `round ${level.round}, ${arrivalsReport(level)}`;

export function arrivalsReport(level: ArrivalsResult): string {
  const { name, rate, seconds, arrived, dropped, shed, shedAtCart, journeysPerSecond, wrong, refusal } = level;
  const offered = rate * seconds;
  const cores = level.k6CpuSeconds.toFixed(1);
  return [
    `${name}: ${rate} journeys/s offered; of ${offered} ${arrived} arrived, ${shed} were refused (${shedAtCart} with a log-in), ${wrong} failed; ` +
      `${journeysPerSecond.toFixed(1)} journeys/s finished; k6 took ${cores} s of a processor`,
    ...(dropped > 0 ? [`  ${dropped} arrivals of the whole run were dropped: k6 had no shopper free for them`] : []),
    trendTable([...Object.entries(level.steps), ['journey', level.journey], ['refusal', refusal]]),
    ...(level.after.length > 0 ? ['', afterReport(level)] : []),
    ...complaintsReport(level.complaints),
  ].join('\n');
}

function afterReport({ after }: ArrivalsResult): string {
  return table(
    ['second after', 'arrived', 'refused', 'journey p95, ms'],
    after.map(({ arrived, shed, journey }, second) => [
      String(second + 1),
      String(arrived),
      String(shed),
      journey?.p95.toFixed(0) ?? '',
    ]),
  );
}

/** Level by level, the median of the rounds. */
export function openReport({ levels, capacities }: OpenResult): string {
  const percents = [...new Set(levels.map(({ percent }) => percent))].sort((a, b) => a - b);
  const rows = percents.map((percent) => {
    const rounds = levels.filter((level) => level.percent === percent);
    const median = (of: (level: OpenLevel) => number | undefined, digits = 0) =>
      medianOf(rounds.flatMap((level) => of(level) ?? []))?.toFixed(digits) ?? '';
    return [
      `${percent} %`,
      median(({ rate }) => rate),
      median(({ arrived, seconds }) => arrived / seconds, 1),
      median(({ journeysPerSecond }) => journeysPerSecond, 1),
      median(({ shed, seconds }) => shed / seconds, 1),
      String(rounds.reduce((sum, { wrong }) => sum + wrong, 0)),
      String(rounds.reduce((sum, { dropped }) => sum + dropped, 0)),
      median(({ journey }) => journey?.med),
      median(({ journey }) => journey?.p95),
      median(({ journey }) => journey?.p99),
      median(({ steps }) => steps['reserve']?.p95),
      median(({ k6CpuSeconds }) => k6CpuSeconds, 1),
    ];
  });
  const head = ['offered', '1/s', 'arrived/s', 'finished/s', 'refused/s', 'failed', 'dropped'];
  return [
    `capacity, of a closed loop: ${capacities.map((one) => one.toFixed(1)).join(', ')} journeys/s`,
    table([...head, 'journey p50, ms', 'p95', 'p99', 'reserve p95', 'k6 CPU s'], rows),
  ].join('\n');
}
