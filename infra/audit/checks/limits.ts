import { maxFound, type Check } from '../check.ts';

interface UnitsRow {
  product_id: string;
  user_id: string;
  limit_per_user: number;
  units: number;
  counted: number;
}

/** What every shopper holds or has bought of products with a limit: summed up anew, and as the inventory counts it. */
const unitsOfShoppers = `
  SELECT p.id AS product_id, p.limit_per_user, b.user_id, b.units, b.counted
    FROM (SELECT product_id, user_id, sum(units)::bigint AS units, sum(counted)::bigint AS counted
            FROM (SELECT (item->>'productId')::uuid AS product_id, user_id, (item->>'quantity')::bigint AS units,
                         0 AS counted
                    FROM holds, jsonb_array_elements(items) AS item WHERE state <> 'released'
                  UNION ALL
                  SELECT product_id, user_id, 0, units FROM buyer_units) both_sides
           GROUP BY 1, 2) b
    JOIN products p ON p.id = b.product_id
   WHERE p.limit_per_user IS NOT NULL`;

export const withinLimits: Check = {
  invariant: 5,
  title: 'nobody holds or buys more than limitPerUser',
  unit: ['pair of shopper and product', 'pairs of shopper and product'],
  async run({ query }) {
    const [row] = await query<{ pairs: number }>(
      'inventory',
      `SELECT count(*) AS pairs FROM (${unitsOfShoppers}) u WHERE units > 0`,
    );
    const wrong = await query<UnitsRow>(
      'inventory',
      `SELECT * FROM (${unitsOfShoppers}) u WHERE units > limit_per_user OR units <> counted
        ORDER BY product_id, user_id LIMIT ${maxFound}`,
    );
    return { counted: row?.pairs ?? 0, wrong: wrong.map(describeUnits) };
  },
};

export function describeUnits(row: UnitsRow): string {
  const who = `shopper ${row.user_id} has ${row.units} units of product ${row.product_id}`;
  return row.units > row.limit_per_user
    ? `${who}, where ${row.limit_per_user} are allowed`
    : `${who}, where buyer_units counts ${row.counted}`;
}
