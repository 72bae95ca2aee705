import { beforeAll, describe, expect, test } from '@jest/globals';
import { needsRabbitmq } from '@flash-sale/shared/stacks.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { panelsOf, readDashboard } from '../../infra/grafana/dashboard-file.ts';
import { dashboards } from '../../infra/grafana/dashboards/index.ts';
import { influxql } from '../../infra/launcher/influxql.ts';
import { Viewer } from '../../test-kit/stack/grafana.ts';
import { bodyOf } from '../../test-kit/http.ts';
import { until } from '../../test-kit/until.ts';
import { Sale } from '../../test-kit/stack/sale.ts';
import type { Shop } from '../../test-kit/stack/shop.ts';
import type { Kind } from '../../test-kit/stack/stacks.ts';

/** Of the demo. */
export const shoppers = 5;
/** By dashboard, the panels that rightly have nothing to show where there is no broker: there are no queues. */
const emptyWithoutBroker: Record<string, string[]> = {
  overview: ['Queue depth', 'Dead letters', 'Put aside since the start, by cause'],
};

/** Every panel of every dashboard has something to show of a stack with metrics, by what its shoppers do here. */
export function showEveryPanel(theShop: () => Shop, { stack }: Kind): void {
  let viewer: Viewer;
  const hasBroker = needsRabbitmq(stack);

  beforeAll(async () => {
    const shop = theShop();
    const fromMs = Date.now();
    await shortSale(shop);
    await failure(shop);
    const ask = (statement: string) => influxql(shop.stack.influxUrl ?? '', statement);
    const failed = 'SELECT count FROM http WHERE "status" = \'503\' AND "route" = \'/api/orders\'';
    await until('the failure is written', async () => (await ask(failed)).length > 0);
    viewer = new Viewer(ask, fromMs, Date.now());
  }, 90_000);

  describe.each(Object.keys(dashboards))('%s', (name) => {
    const dashboard = readDashboard(name);
    beforeAll(() => viewer.open(dashboard));

    test.each(panelsOf(dashboard).map((panel) => [panel.title, panel] as const))('%s', async (title, panel) => {
      const isEmpty = !hasBroker && (emptyWithoutBroker[name]?.includes(title) ?? false);
      // Each process writes by itself, each second.
      await eventually(async () => {
        const answers = await viewer.look(panel);
        expect(answers.length).toBeGreaterThan(0);
        for (const series of answers) {
          expect(series.length > 0).toBe(!isEmpty);
          // A tag that there is not would make one line of all, with an empty name.
          expect(series.flatMap(({ tags }) => Object.values(tags ?? {}))).not.toContain('');
        }
      });
    });
  });
}

/** Long enough for every kind of answer but failures. */
async function shortSale(shop: Shop): Promise<void> {
  const sale = new Sale(shop, [await shop.aProduct({ stock: 20 }), await shop.aProduct({ stock: 20 })]);
  sale.open(shoppers);
  await sale.goesOn(40);
  await sale.close();
  expect(sale.surprises).toEqual([]);
}

/** Reads fail while their database is away. */
async function failure(shop: Shop): Promise<void> {
  const shopper = await shop.shopper(1);
  await shop.stack.postgres.stop();
  try {
    bodyOf(await shopper.call('GET', '/api/orders'), 503);
  } finally {
    await shop.stack.postgres.start();
  }
}
