import { axisStyle, draw, numberAxis, text, type Chart } from '../report/draw.ts';
import { medianRun, type Trend } from '../lib/results.ts';
import { resultOf, runsOf, type Comparison, type Run } from './results.ts';

/** By their order in the plan. */
const palette = ['#2f7ed8', '#e07b00', '#2a9d5c', '#8e44ad', '#c0392b', '#7f8c8d'];
const colourOf = ({ plan }: Comparison, stack: string) => palette[plan.stacks.indexOf(stack) % palette.length]!;
/** Good for the name of a file. */
const idOf = (stack: string) => stack.replace(':', '-');
/** The same in both stacks. Told apart by those who are blind to red or green too, and on paper by their order. */
const serviceColours: Record<string, string> = {
  postgres: '#4477aa',
  redis: '#66ccee',
  nginx: '#228833',
  user: '#ccbb44',
  inventory: '#ee6677',
  reservation: '#aa3377',
  order: '#888888',
  payment: '#b07d4f',
  rabbitmq: '#5b6abf',
  epmd: '#2d9c93',
  services: '#ee6677',
};
const otherColour = '#bbbbbb';

/** All charts for which there are figures, in the order of the report. */
export function chartsOf(comparison: Comparison): Chart[] {
  const { levels, stacks } = comparison.plan;
  return [
    ...throughputAgainstShoppers(comparison),
    ...levels.flatMap((vus) => distribution(comparison, vus)),
    ...levels.flatMap((vus) => overTime(comparison, vus)),
    ...stacks.flatMap((stack) => usageOverTime(comparison, stack)),
  ];
}

function throughputAgainstShoppers(comparison: Comparison): Chart[] {
  const { levels, stacks } = comparison.plan;
  const series = stacks.map((stack) => {
    const points = levels.flatMap((vus) => {
      const rates = runsOf(resultOf(comparison, stack), vus).map((run) => run.requestsPerSecond);
      return rates.map((rate): [number, number] => [vus, rate]);
    });
    const means = levels.flatMap((vus): [number, number][] => {
      const rates = points.filter(([at]) => at === vus).map(([, rate]) => rate);
      return rates.length > 0 ? [[vus, rates.reduce((sum, rate) => sum + rate, 0) / rates.length]] : [];
    });
    return { stack, points, means };
  });
  if (series.every(({ points }) => points.length === 0)) return [];
  const axis = {
    xAxis: levelsAxis(levels),
    yAxis: numberAxis('requests/s'),
  };
  return [
    {
      id: 'throughput',
      title: 'Throughput against shoppers.',
      caption: 'The line goes through the means; each dot is a run.',
      svg: draw({
        ...axis,
        series: series.flatMap(({ stack, points, means }) => [
          { ...line(stack, means, colourOf(comparison, stack)), symbolSize: 0 },
          {
            ...line(stack, points, colourOf(comparison, stack)),
            lineStyle: { width: 0 },
            symbol: 'circle',
            showSymbol: true,
            symbolSize: 8,
          },
        ]),
      }),
    },
  ];
}

/** Ends a little beyond the highest level, and names nothing but what was measured. */
function levelsAxis(levels: number[]): object {
  const customValues = [0, ...levels];
  return numberAxis('shoppers at once', {
    min: 0,
    max: Math.max(...levels) * 1.05,
    axisLabel: { ...text, customValues },
    axisTick: { ...axisStyle.axisTick, customValues },
  });
}

const quantiles: { name: string; key: keyof Trend }[] = [
  { name: 'min', key: 'min' },
  { name: 'median', key: 'med' },
  { name: 'p90', key: 'p90' },
  { name: 'p95', key: 'p95' },
  { name: 'p99', key: 'p99' },
  { name: 'max', key: 'max' },
];

function distribution(comparison: Comparison, vus: number): Chart[] {
  const { stacks } = comparison.plan;
  const series = stacks.flatMap((stack) => {
    const trends = runsOf(resultOf(comparison, stack), vus).flatMap(({ all }) => all ?? []);
    if (trends.length === 0) return [];
    const values = quantiles.map(({ key }) => trends.map((trend) => trend[key]));
    return [{ stack, means: values.map(mean), ranges: values.map((all) => [Math.min(...all), Math.max(...all)]) }];
  });
  if (series.length === 0) return [];
  return [
    {
      id: `distribution-${vus}`,
      title: `Distribution of latency, ${vus} shoppers.`,
      caption: 'All requests of the checkout; mean of the runs, the whisker from the lowest to the highest.',
      svg: draw({
        xAxis: { ...axisStyle, type: 'category', data: quantiles.map(({ name }) => name) },
        yAxis: numberAxis('ms'),
        series: series.flatMap(({ stack, means, ranges }, at) => [
          {
            name: stack,
            type: 'bar',
            data: means.map(Math.round),
            itemStyle: { color: colourOf(comparison, stack) },
            barGap: '10%',
          },
          whiskers(stack, colourOf(comparison, stack), ranges, at, series.length),
        ]),
      }),
    },
  ];
}

/** From lowest to highest, in the middle of the bar of its stack. */
function whiskers(stack: string, colour: string, ranges: number[][], at: number, of: number): object {
  return {
    name: stack,
    type: 'custom',
    itemStyle: { color: colour },
    data: ranges.map(([low, high], quantile) => [quantile, low, high]),
    z: 10,
    renderItem: (_: unknown, api: WhiskerApi) => {
      const layout = api.barLayout({ barGap: '10%', count: of })[at];
      const [centre = 0, low = 0] = api.coord([api.value(0), api.value(1)]);
      const [, high = 0] = api.coord([api.value(0), api.value(2)]);
      const x = centre + (layout?.offsetCenter ?? 0);
      const cap = 5;
      const stroke = (x1: number, y1: number, x2: number, y2: number) => ({
        type: 'line',
        shape: { x1, y1, x2, y2 },
        style: { stroke: 'currentColor', lineWidth: 1.5 },
      });
      return {
        type: 'group',
        children: [stroke(x, low, x, high), stroke(x - cap, low, x + cap, low), stroke(x - cap, high, x + cap, high)],
      };
    },
  };
}

interface WhiskerApi {
  value: (dimension: number) => number;
  coord: (point: number[]) => number[];
  barLayout: (options: { barGap: string; count: number }) => { offsetCenter: number }[];
}

function overTime(comparison: Comparison, vus: number): Chart[] {
  const runs = comparison.plan.stacks.flatMap((stack) => {
    const run = medianRun(runsOf(resultOf(comparison, stack), vus));
    return run ? [{ stack, run }] : [];
  });
  if (runs.length === 0) return [];
  const length = comparison.plan.seconds.run;
  const xAxis = numberAxis('seconds since the start of the run', { min: 0, max: length });
  return [
    {
      id: `latency-over-time-${vus}`,
      title: `Latency over time, ${vus} shoppers.`,
      caption: 'Of each second, the p95 (line) and the median (dashes), in the run of middle throughput.',
      svg: draw({
        xAxis,
        yAxis: numberAxis('ms'),
        series: runs.flatMap(({ stack, run }) => [
          line(stack, latencyOverTime(run, 'p95'), colourOf(comparison, stack)),
          {
            ...line(stack, latencyOverTime(run, 'med'), colourOf(comparison, stack)),
            lineStyle: { color: colourOf(comparison, stack), width: 1.5, type: 'dashed' },
          },
        ]),
      }),
    },
    {
      id: `throughput-over-time-${vus}`,
      title: `Throughput over time, ${vus} shoppers.`,
      caption: 'Requests answered per second, second by second, in the run of middle throughput.',
      svg: draw({
        xAxis,
        yAxis: numberAxis('requests/s'),
        series: runs.map(({ stack, run }) => line(stack, ratesOverTime(run), colourOf(comparison, stack))),
      }),
    },
  ];
}

/** A second in which nothing was answered has no latency; it is not one of 0 ms. */
function latencyOverTime({ timeline: { load } }: Run, key: 'med' | 'p95'): [number, number][] {
  return load.second.flatMap((second, at): [number, number][] =>
    (load.requests[at] ?? 0) > 0 ? [[second, load[key][at] ?? 0]] : [],
  );
}

const minSeconds = 0.5;

/**
 * k6 is late with its seconds where processors are scarce, and the next one is short: what it counted is divided by the time
 * that really passed, and a fragment counts with the second after it.
 */
export function ratesOverTime({ timeline: { load } }: Pick<Run, 'timeline'>): [number, number][] {
  const rates: [number, number][] = [];
  let [from, requests] = [0, 0];
  load.second.forEach((second, at) => {
    requests += load.requests[at] ?? 0;
    if (second - from < minSeconds) return;
    rates.push([second, requests / (second - from)]);
    [from, requests] = [second, 0];
  });
  return rates;
}

/** Of the highest level: there the services have most to do. */
function usageOverTime(comparison: Comparison, stack: string): Chart[] {
  const vus = Math.max(...comparison.plan.levels);
  const result = resultOf(comparison, stack);
  const run = medianRun(runsOf(result, vus));
  if (!result || !run || run.timeline.usage.services.length === 0) return [];
  const { second, services } = run.timeline.usage;
  const xAxis = numberAxis('seconds since the start of the run', { min: 0, max: comparison.plan.seconds.run });
  const stacked = (valuesOf: (service: (typeof services)[number]) => number[]) =>
    services.map((service) => ({
      name: service.name,
      type: 'line',
      stack: 'all',
      symbol: 'none',
      itemStyle: { color: serviceColours[service.name] ?? otherColour },
      lineStyle: { width: 0 },
      areaStyle: { opacity: 0.85 },
      data: valuesOf(service).map((value, index) => [second[index], value]),
    }));
  return [
    {
      id: `cpu-${idOf(stack)}`,
      title: `CPU per service over time, ${stack}, ${vus} shoppers.`,
      caption:
        'Share of the whole machine, all instances of a service together; what is missing to 100 % was k6, others or nobody.',
      svg: draw({
        xAxis,
        yAxis: numberAxis('% of the machine', { max: 100 }),
        series: stacked(({ cores }) => cores.map((used) => (100 * used) / result.machine.cores)),
      }),
    },
    {
      id: `memory-${idOf(stack)}`,
      title: `Memory per service over time, ${stack}, ${vus} shoppers.`,
      caption: 'All instances of a service together; pages that several processes share count once.',
      svg: draw({ xAxis, yAxis: numberAxis('MB'), series: stacked(({ bytes }) => bytes.map((used) => used / 1e6)) }),
    },
  ];
}

function line(name: string, data: [number, number][], colour: string): object {
  return {
    name,
    type: 'line',
    data,
    showSymbol: false,
    itemStyle: { color: colour },
    lineStyle: { color: colour, width: 2 },
  };
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
