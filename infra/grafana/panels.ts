import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { ThresholdsConfigBuilder, ThresholdsMode, type Threshold } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { asTarget, dataSource } from './influxql.ts';

interface About {
  title: string;
  /** For an operator: what it means, and what to do about it. */
  about: string;
  unit: string;
}

interface Graph extends About {
  /** Queries in InfluxQL by the names of their lines. */
  lines: Record<string, string>;
  /** From here on it is trouble; drawn as a dashed line. */
  limit?: number;
  /** Where the top of the scale is known, as with shares. */
  max?: number;
  /** Areas one on the other: what they are together can be read at the top. */
  stacked?: boolean;
}

/** Lines over time, the largest first in legend and tooltip. */
export function graph({ title, about, unit, lines, limit, max, stacked = false }: Graph): TimeSeriesBuilder {
  const panel = new TimeSeriesBuilder()
    .title(title)
    .description(about)
    .datasource(dataSource)
    .unit(unit)
    .min(0)
    .lineWidth(1)
    .fillOpacity(stacked ? 30 : 0)
    .stacking(new StackingConfigBuilder().mode(stacked ? StackingMode.Normal : StackingMode.None))
    .thresholds(thresholds(limit))
    .thresholdsStyle(
      new GraphThresholdsStyleConfigBuilder().mode(
        limit === undefined ? GraphThresholdsStyleMode.Off : GraphThresholdsStyleMode.Dashed,
      ),
    )
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Right)
        .calcs(['lastNotNull', 'max'])
        .sortBy('Max')
        .sortDesc(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .targets(
      Object.entries(lines).map(([alias, query], n) =>
        asTarget({ refId: refIdOf(n), query, alias, resultFormat: 'time_series' }),
      ),
    );
  return max === undefined ? panel : panel.max(max);
}

interface Table extends About {
  query: string;
  /** Units of columns that have another than the panel's. */
  units?: Record<string, string>;
}

/** One row for each group of the query; the columns are named by the query. */
export function table({ title, about, unit, query, units = {} }: Table): TableBuilder {
  const panel = new TableBuilder()
    .title(title)
    .description(about)
    .datasource(dataSource)
    .unit(unit)
    .filterable(true)
    .targets([asTarget({ refId: refIdOf(0), query, resultFormat: 'table' })])
    // Of a query over the whole time shown, InfluxDB gives the beginning of it as the time.
    .withTransformation({ id: 'organize', options: { excludeByName: { Time: true } } });
  for (const [column, id] of Object.entries(units)) panel.overrideByName(column, [{ id: 'unit', value: id }]);
  return panel;
}

const refIdOf = (n: number) => String.fromCharCode('A'.charCodeAt(0) + n);

function thresholds(limit?: number): ThresholdsConfigBuilder {
  const steps: Threshold[] = [{ value: null, color: 'green' }];
  if (limit !== undefined) steps.push({ value: limit, color: 'red' });
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}
