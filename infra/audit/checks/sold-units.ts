import { comparePairs, type Check } from '../check.ts';
import { merge, type Pair } from '../merge.ts';

interface Committed {
  key: string;
  units: number;
}
type Confirmed = Committed;

const unitsPerProduct = (table: string, condition: string) => `
  SELECT (item->>'productId')::uuid AS key, sum((item->>'quantity')::bigint)::bigint AS units
    FROM ${table}, jsonb_array_elements(items) AS item
   WHERE ${condition} GROUP BY 1 ORDER BY 1`;

export const soldEqualsConfirmed: Check = {
  invariant: 2,
  title: 'units sold equal units in confirmed orders',
  unit: ['product with sales', 'products with sales'],
  run: ({ stream }) =>
    comparePairs(
      merge(
        stream<Committed>('inventory', unitsPerProduct('holds', "state = 'committed'")),
        stream<Confirmed>('order', unitsPerProduct('orders', "status = 'confirmed'")),
      ),
      wrongWithSales,
    ),
};

export function wrongWithSales({ key, left, right }: Pair<Committed, Confirmed>): string | undefined {
  const [sold, confirmed] = [left?.units ?? 0, right?.units ?? 0];
  return sold === confirmed ? undefined : `product ${key}: ${sold} units sold, ${confirmed} in confirmed orders`;
}
