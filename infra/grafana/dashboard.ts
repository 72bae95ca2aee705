import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
  type Dashboard,
  type DashboardLink,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { dataSource } from './influxql.ts';
import type { graph, table } from './panels.ts';

type Panel = ReturnType<typeof graph> | ReturnType<typeof table>;

interface Row {
  title: string;
  /** Panels side by side. */
  columns: 1 | 2 | 3;
  panels: Panel[];
}

interface Definition {
  uid: string;
  title: string;
  description: string;
  variables: Builder<VariableModel>[];
  rows: Row[];
}

const tag = 'flash-sale';
const gridColumns = 24;
const panelHeight = 9;

/** A dashboard of the last 15 minutes that keeps itself up to date; stack, service and time go along to the others. */
export function dashboard({ uid, title, description, variables, rows }: Definition): Dashboard {
  const builder = new DashboardBuilder(`Flash sale: ${title}`)
    .uid(uid)
    .description(description)
    .tags([tag])
    .readonly()
    .time({ from: 'now-15m', to: 'now' })
    .refresh('5s')
    .tooltip(DashboardCursorSync.Crosshair)
    .variables(variables)
    .link({ build: linkToTheOthers });
  let id = 1;
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title).id(id++));
    for (const panel of row.panels)
      builder.withPanel(
        panel
          .id(id++)
          .span(gridColumns / row.columns)
          .height(panelHeight),
      );
  }
  return builder.build();
}

/** The SDK places links in a menu, where nobody looks for them; without a place they stand at the top. */
function linkToTheOthers(): DashboardLink {
  const link = new DashboardLinkBuilder('Flash sale')
    .type(DashboardLinkType.Dashboards)
    .tags([tag])
    .includeVars(true)
    .keepTime(true)
    .build();
  delete link.placement;
  return link;
}

/** Which of the two stacks is shown; the names come from the data. */
export const stack = () =>
  valuesOf('stack', 'process').label('Stack').description('How the services talk to each other: HTTP or RabbitMQ.');

export const service = () => several('service', 'batch').label('Service').description('The services shown.');

export const product = () =>
  several('product', 'stock').label('Product').description('Ids of the products shown, of those that changed of late.');

/** Any number of values; all of them to begin with. */
function several(name: string, measurement: string): QueryVariableBuilder {
  return (
    valuesOf(name, measurement, '"stack" = \'$stack\'')
      .multi(true)
      .includeAll(true)
      // Not a list of all names, which would be long, and without those that come later.
      .allValue('.*')
      .current({ selected: true, text: 'All', value: '$__all' })
  );
}

function valuesOf(name: string, measurement: string, where?: string): QueryVariableBuilder {
  const query = `SHOW TAG VALUES FROM "${measurement}" WITH KEY = "${name}"${where ? ` WHERE ${where}` : ''}`;
  return new QueryVariableBuilder(name)
    .datasource(dataSource)
    .query({ refId: `variable-${name}`, query })
    .definition(query)
    .refresh(VariableRefresh.OnDashboardLoad)
    .sort(VariableSort.AlphabeticalAsc);
}
