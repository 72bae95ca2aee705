import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';

/** As the provisioning names it: the dashboards find their data in any Grafana that has it. */
export const dataSource = { type: 'influxdb', uid: 'flash-sale-influxdb' };

/** What Grafana reads of a query in InfluxQL; the SDK has no type for it. */
export interface InfluxQuery extends Dataquery {
  refId: string;
  datasource: typeof dataSource;
  query: string;
  rawQuery: true;
  resultFormat: 'time_series' | 'table';
  /** Names the lines. `[[tag_x]]` is the value of the tag x, `[[col]]` the name of the column. */
  alias?: string;
}

interface Selection {
  select: string;
  from: string;
  /** Whose points; those of the chosen services unless given. */
  of?: string;
  /** Which of them. */
  where?: string;
  /** One line, or row, for each value of these tags. */
  by?: string[];
}

const chosenServices = '"service" =~ /^$service$/';
export const chosenProducts = '"product" =~ /^$product$/';

const condition = ({ of = chosenServices, where }: Selection) =>
  ['"stack" = \'$stack\'', of, ...(where ? [where] : []), '$timeFilter'].join(' AND ');
const tags = (names: string[]) => names.map((name) => `"${name}"`);
/** A step of time for each value of these tags. */
const stepsOf = (by: string[]) => ['time($__interval)', ...tags(by)].join(', ');

/**
 * A line over time for each value of the tags in `by`. Where there are no points a gauge has a gap (`fill(null)`), but a
 * count is zero, which the caller says by `fill: 0`.
 */
export function lines({ by = [], fill = 'null', ...selection }: Selection & { fill?: 'null' | 0 }): string {
  const { select, from } = selection;
  return `SELECT ${select} FROM "${from}" WHERE ${condition(selection)} GROUP BY ${stepsOf(by)} fill(${fill})`;
}

/** Lines of what all instances have together, of a number that each instance has for itself. */
export function sumOfInstances({ field, from, by = [] }: { field: string; from: string; by?: string[] }): string {
  const each = lines({
    select: `mean("${field}") AS "each"`,
    from,
    by: ['service', 'instance', ...by.filter((tag) => tag !== 'service')],
  });
  return `SELECT sum("each") FROM (${each}) WHERE $timeFilter GROUP BY ${stepsOf(by)} fill(null)`;
}

/**
 * What each instance counted in a second, of a number that it counts since its start. Derived from point to point, for a step may have
 * a single one; a restart is no fall.
 */
export function growthOfInstances({ field, from }: { field: string; from: string }): string {
  const by = ['service', 'instance'];
  const each = rows({ select: `non_negative_derivative("${field}", 1s) AS "each"`, from, by });
  return `SELECT mean("each") FROM (${each}) WHERE $timeFilter GROUP BY ${stepsOf(by)} fill(null)`;
}

/** A row of a table for each value of the tags in `by`, over the whole time shown. */
export function rows({ by = [], ...selection }: Selection): string {
  const { select, from } = selection;
  return `SELECT ${select} FROM "${from}" WHERE ${condition(selection)} GROUP BY ${tags(by).join(', ')}`;
}

/** What was counted in each interval, of a field that counts since the point before. */
export const perSecond = (field: string) => `sum("${field}") * 1000 / $__interval_ms`;

export const asTarget = (
  query: Omit<InfluxQuery, keyof Dataquery | 'datasource' | 'rawQuery'>,
): Builder<InfluxQuery> => ({
  build: () => ({ ...query, datasource: dataSource, rawQuery: true, _implementsDataqueryVariant: () => undefined }),
});
