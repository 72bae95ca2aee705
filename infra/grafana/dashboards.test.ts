import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { dashboards } from './dashboards/index.ts';
import { dataSource } from './influxql.ts';
import { panelsOf, readDashboard, variablesOf, type DashboardFile } from './dashboard-file.ts';

describe.each(Object.entries(dashboards))('the dashboard %s', (name, generated) => {
  const dashboard = JSON.parse(JSON.stringify(generated)) as DashboardFile;

  test('is as it is generated', () => {
    // Not toEqual: its difference would be long, and would not say what to do.
    if (!isDeepStrictEqual(readDashboard(name), dashboard)) {
      throw new Error(`The dashboard ${name} is not what is generated. Renew it: npm run dashboards`);
    }
  });

  test('tells an operator of each panel what it means', () => {
    for (const { title, description, fieldConfig } of panelsOf(dashboard)) {
      expect({ title, description, unit: fieldConfig.defaults.unit }).toEqual({
        title: expect.stringMatching(/\w/),
        description: expect.stringMatching(/\.$/),
        unit: expect.stringMatching(/\w/),
      });
    }
  });

  test('asks the provisioned data source, and nothing but by its own variables', () => {
    const names = variablesOf(dashboard).map(({ name }) => name);
    const known = [...names, 'timeFilter', '__interval', '__interval_ms'];
    const asked = [...panelsOf(dashboard).flatMap(({ targets }) => targets), ...variablesOf(dashboard)];
    for (const { datasource } of asked) expect(datasource).toEqual(dataSource);
    const queries = panelsOf(dashboard).flatMap(({ targets }) => targets.map(({ query }) => query));
    const used = queries.flatMap((query) => query.match(/(?<=\$)\w+/g) ?? []);
    expect(used.filter((name) => !known.includes(name))).toEqual([]);
    expect(names.filter((name) => !used.includes(name))).toEqual([]);
  });

  test('has no two panels of one id, or in one place', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

test('the data source is provisioned under the id by which the dashboards know it', () => {
  const file = join(import.meta.dirname, 'provisioning/datasources/influxdb.yaml');
  expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^    uid: ${dataSource.uid}$`, 'm'));
});
