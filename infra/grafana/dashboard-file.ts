import { readFileSync } from 'node:fs';
import { fileOf } from './dashboards/index.ts';
import type { InfluxQuery } from './influxql.ts';

/** What tests read of a dashboard's file. */
export interface DashboardFile {
  title: string;
  panels: (Panel | RowPanel)[];
  templating: { list: Variable[] };
}

export interface Panel {
  type: 'timeseries' | 'table';
  id: number;
  title: string;
  description: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: InfluxQuery[];
  fieldConfig: { defaults: { unit: string } };
}

interface RowPanel {
  type: 'row';
  id: number;
  gridPos: Panel['gridPos'];
}

export interface Variable {
  name: string;
  datasource: InfluxQuery['datasource'];
  query: { query: string };
  multi?: boolean;
  allValue?: string;
}

export const readDashboard = (name: string): DashboardFile =>
  JSON.parse(readFileSync(fileOf(name), 'utf8')) as DashboardFile;

export const panelsOf = (dashboard: DashboardFile): Panel[] => dashboard.panels.filter((panel) => panel.type !== 'row');

export const variablesOf = (dashboard: DashboardFile): Variable[] => dashboard.templating.list;
