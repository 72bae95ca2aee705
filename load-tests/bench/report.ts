import type { BacklogResult } from '../lib/backlog.ts';
import { complaintsReport, megabytes, table, trendTable } from '../lib/report.ts';
import type { AtRest, RaceResult } from '../lib/results.ts';
import { totalsAtRest } from '../lib/usage.ts';
import type { Spread } from '../turns/statistics.ts';
import { limitName, yardstickName } from './limit-pairs.ts';
import type { LimitPairs } from './results.ts';
import type { Verdict } from './targets.ts';

export { auditReport } from '../lib/report.ts';

/** Memory, and processor time in percent of one core. */
export function atRestReport(atRest: AtRest[]): string {
  const { all, node } = totalsAtRest(atRest);
  const rows = [...atRest, { ...all, name: 'total' }, { ...node, name: 'Node processes' }];
  return table(
    ['at rest', 'PSS MB', 'RSS MB', '% of a core'],
    rows.map(({ name, pssBytes, rssBytes, cores }) => [
      name,
      megabytes(pssBytes),
      megabytes(rssBytes),
      cores === undefined ? '' : (100 * cores).toFixed(1),
    ]),
  );
}

/** The stack beside the limit, level by level; or why there is no ratio. */
export function pairsReport({ levels, turns, limitShare, noRatio, beside }: LimitPairs, stack: string): string {
  const share = limitShare ? `${spreadText(limitShare)} of the ${yardstickName}'s requests/s` : 'not measured';
  return [
    `limit: ${share}, round by round`,
    ...(noRatio === undefined ? [] : [`no ratio: ${noRatio}`]),
    ...levels.flatMap((vus) => [
      '',
      `${vus} shoppers, ${turns.filter((turn) => turn.vus === vus && turn.side === limitName).length} pairs; so many times the limit:`,
      table(
        ['', limitName, stack, 'raw', 'range', 'corrected', 'range'],
        beside
          .filter((one) => one.vus === vus)
          .map(({ measure, unit, digits, medians, raw, corrected }) => [
            `${measure}, ${unit}`,
            medians.limit.toFixed(digits),
            medians.stack.toFixed(digits),
            raw.median.toFixed(3),
            rangeText(raw),
            corrected.median.toFixed(3),
            rangeText(corrected),
          ]),
      ),
    ]),
  ].join('\n');
}

const rangeText = ({ min, max }: Spread) => `${min.toFixed(3)}–${max.toFixed(3)}`;
const spreadText = (spread: Spread) => `${spread.median.toFixed(3)} (${rangeText(spread)})`;

export function raceReport(race: RaceResult): string {
  return [
    `race of ${race.buyers} for ${race.stock}: ${race.sold} sold, ${race.soldOut} sold out, ${race.other} other`,
    trendTable([
      ['sold', race.soldTrend],
      ['sold out', race.soldOutTrend],
    ]),
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
