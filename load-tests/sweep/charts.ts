import { HeatmapChart, ScatterChart } from 'echarts/charts';
import { MarkLineComponent, VisualMapComponent } from 'echarts/components';
import { use } from 'echarts/core';
import { axisStyle, draw, numberAxis, text, type Chart } from '../report/draw.ts';
import { endpoints, objectives } from '../objectives.ts';
import type { Analysis } from './analysis.ts';
import { rightPerSecond } from './results.ts';
import { throughputAt } from './scalability.ts';

use([HeatmapChart, MarkLineComponent, ScatterChart, VisualMapComponent]);

const measuredColour = '#2f7ed8';
const lawColour = '#e07b00';
const pointsOfCurve = 100;

/** All charts for which there are figures. */
export function chartsOf(analysis: Analysis): Chart[] {
  if (analysis.levels.length === 0) return [];
  return [throughput(analysis), latency(analysis), compliance(analysis)];
}

function throughput({ levels, breakingPoint: { vus, law } }: Analysis): Chart {
  const measured = levels.map(({ level }): [number, number] => [level.vus, rightPerSecond(level)]);
  const caption = law
    ? 'Dots are measured; the curve is the fitted scalability law.'
    : 'Dots are measured; no law describes them well enough to be drawn.';
  return {
    id: 'throughput',
    title: 'Throughput against virtual users.',
    caption: vus === undefined ? caption : `${caption} The upright line is the breaking point, ${vus}.`,
    svg: draw({
      xAxis: shoppersAxis(measured),
      yAxis: numberAxis('right answers/s'),
      series: [
        { ...dots('measured', measured), ...breakingLine(vus) },
        ...(law
          ? [
              curve(
                'scalability law',
                curveOf(measured, (at) => throughputAt(law, at)),
              ),
            ]
          : []),
      ],
    }),
  };
}

function latency({ levels, breakingPoint: { vus } }: Analysis): Chart {
  const measured = levels.flatMap(({ level }): [number, number][] => (level.all ? [[level.vus, level.all.p95]] : []));
  return {
    id: 'latency',
    title: 'p95 of all endpoints against virtual users.',
    caption: 'Both axes grow by factors: a straight line is growth in proportion.',
    svg: draw({
      xAxis: shoppersAxis(levels.map(({ level }) => [level.vus, 0])),
      yAxis: numberAxis('ms', { type: 'log' }),
      series: [
        {
          ...dots('p95', measured),
          ...breakingLine(vus),
          type: 'line',
          lineStyle: { color: measuredColour, width: 2 },
        },
      ],
    }),
  };
}

/** The colour is the share of the objective that the p95 takes; a text caption it to those who do not tell the colours apart. */
function compliance({ levels }: Analysis): Chart {
  const data = levels.flatMap(({ level, compliance }, x) =>
    compliance.map(({ endpoint, verdict }, y) => {
      const p95 = level.endpoints[endpoint].trend?.p95;
      const share = p95 === undefined ? undefined : p95 / objectives[endpoint].p95Ms;
      // What failed in another way than by its p95 must not look as if it were within its objective.
      const shown = verdict === 'missed' ? Math.max(share ?? 0, 1.01) : verdict === 'met' ? (share ?? 0) : -1;
      const label = verdict === 'met' ? '✓' : verdict === 'missed' ? '✗' : '?';
      const value = share === undefined ? label : `${label} ${(share * 100).toFixed(0)} %`;
      return { value: [x, y, shown], label: { show: true, formatter: value, color: '#1b1f24' } };
    }),
  );
  return {
    id: 'compliance',
    title: 'Objectives kept at each level.',
    caption:
      'The share of its objective that the p95 of an endpoint takes; ✓ kept, ✗ missed (by p95, p99 or failures), ? not measured.',
    svg: draw({
      legend: { show: false },
      grid: { left: 12, right: 24, top: 12, bottom: 34, outerBoundsMode: 'same' },
      xAxis: { ...axisStyle, type: 'category', data: levels.map(({ level }) => String(level.vus)) },
      yAxis: { ...axisStyle, type: 'category', data: [...endpoints], inverse: true },
      visualMap: {
        show: false,
        type: 'piecewise',
        dimension: 2,
        pieces: [
          { lt: 0, color: '#b8bfc6' },
          { gte: 0, lte: 0.5, color: '#7fc97f' },
          { gt: 0.5, lte: 1, color: '#c5e6a6' },
          { gt: 1, lte: 2, color: '#f9c784' },
          { gt: 2, color: '#ee8866' },
        ],
      },
      series: [{ type: 'heatmap', data }],
    }),
  };
}

/** By factors: six levels from 10 to 1,000 would otherwise stand in the first tenth of the drawing. */
function shoppersAxis(points: [number, number][]): object {
  const levels = points.map(([vus]) => vus);
  return numberAxis('shoppers at once', { type: 'log', min: Math.min(...levels), max: Math.max(...levels) });
}

function curveOf(points: [number, number][], at: (vus: number) => number): [number, number][] {
  const [first, last] = [points[0]?.[0] ?? 1, points.at(-1)?.[0] ?? 1];
  return Array.from({ length: pointsOfCurve + 1 }, (_, step) => {
    const vus = first * (last / first) ** (step / pointsOfCurve);
    return [vus, at(vus)];
  });
}

function dots(name: string, data: [number, number][]): object {
  return { name, type: 'scatter', data, symbol: 'circle', symbolSize: 9, itemStyle: { color: measuredColour } };
}

function curve(name: string, data: [number, number][]): object {
  const itemStyle = { color: lawColour };
  return { name, type: 'line', data, showSymbol: false, itemStyle, lineStyle: { color: lawColour, width: 2 } };
}

function breakingLine(vus: number | undefined): object {
  if (vus === undefined) return {};
  const label = { ...text, formatter: String(vus) };
  return { markLine: { symbol: 'none', label, lineStyle: { color: lawColour }, data: [{ xAxis: vus }] } };
}
