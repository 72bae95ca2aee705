import { join } from 'node:path';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { overview } from './overview.ts';
import { routes } from './routes.ts';
import { runtime } from './runtime.ts';
import { sale } from './sale.ts';

export const dashboards: Record<string, Dashboard> = {
  overview: overview(),
  routes: routes(),
  sale: sale(),
  runtime: runtime(),
};

/** Where Grafana finds a dashboard. */
export const fileOf = (name: string): string => join(import.meta.dirname, '../provisioning/dashboards', `${name}.json`);
