import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { dashboard, product, stack } from '../dashboard.ts';
import { chosenProducts, lines, perSecond, rows } from '../influxql.ts';
import { graph, table } from '../panels.ts';

const stock = { from: 'stock', of: chosenProducts, by: ['product'] };
const unitsOver = (field: string, of = chosenProducts) => ({
  '[[tag_product]]': lines({ ...stock, of, select: `last("${field}")` }),
});

const now = table({
  title: 'Stock',
  about:
    'As it was last told, of products that have changed of late. Total is held, sold and left together; anything else would ' +
    'be a defect, which npm run audit would prove.',
  unit: units.Short,
  query: rows({
    ...stock,
    select: 'last("total") AS "total", last("held") AS "held", last("sold") AS "sold", last("available") AS "left"',
  }),
});

/** @param of whose points */
export const unitsLeft = (of: string) =>
  graph({
    title: 'Left',
    about:
      'Units that nobody has bought or holds. It may rise again: holds that run out and cancelled reservations give their units ' +
      'back. At zero the shop turns buyers away before their request costs anything.',
    unit: units.Short,
    lines: unitsOver('available', of),
  });

const held = graph({
  title: 'Held',
  about:
    'Units reserved and not yet paid for. While it stays level and nothing is sold, shoppers cannot pay: look at payments, ' +
    'below. What nobody pays for falls back to "left" at its deadline.',
  unit: units.Short,
  lines: unitsOver('held'),
});

const sold = graph({
  title: 'Sold',
  about: 'Units paid for and committed. It only ever rises, and never above the total.',
  unit: units.Short,
  lines: unitsOver('sold'),
});

const total = graph({
  title: 'Total',
  about: 'Units that are or were for sale. It rises when an administrator restocks.',
  unit: units.Short,
  lines: unitsOver('total'),
});

export const reservations = () =>
  graph({
    title: 'Reservations per second',
    about:
      'By status. 201 is held, 202 is accepted and decided later, 409 is sold out or another refusal, 503 a shop with too much ' +
      'waiting. Mostly 202 in the sync stack means that inventory is slow or away.',
    unit: units.RequestsPerSecond,
    lines: { '[[tag_status]]': outcomesOf('reservation', 'reservations') },
  });

export const payments = () =>
  graph({
    title: 'Payments per second',
    about:
      'By status. 201 is captured, 402 is declined, 202 is a payment whose outcome the gateway still owes. Many 202 mean that ' +
      'the gateway is in trouble; the shop asks it again by itself.',
    unit: units.RequestsPerSecond,
    lines: { '[[tag_status]]': outcomesOf('payment', 'payments') },
  });

export const sale = (): Dashboard =>
  dashboard({
    uid: 'flash-sale-sale',
    title: 'Sale',
    description: 'How far the sale is: what is held, sold and left of each product, and what buyers hear.',
    variables: [stack(), product()],
    rows: [
      { title: 'What buyers hear', columns: 2, panels: [reservations(), payments()] },
      { title: 'Where the units are', columns: 2, panels: [unitsLeft(chosenProducts), held, sold, total] },
      { title: 'Product by product', columns: 1, panels: [now] },
    ],
  });

function outcomesOf(service: string, collection: string): string {
  return lines({
    select: perSecond('count'),
    from: 'http',
    of: `"service" = '${service}'`,
    where: `"route" = '/api/${collection}' AND "method" = 'POST'`,
    by: ['status'],
    fill: 0,
  });
}
