import { maxFound, type Check } from '../check.ts';

type Levels = Pick<StockRow, 'id' | 'total' | 'held' | 'sold'>;

interface StockRow {
  id: string;
  /** Null, like the other two, if there is no stock row. */
  total: number | null;
  held: number | null;
  sold: number | null;
  units_held: number;
  units_committed: number;
}

export const neverOversold: Check = {
  invariant: 1,
  title: 'no product is oversold: held + sold <= total',
  unit: ['product', 'products'],
  async run({ query }) {
    const [row] = await query<{ products: number }>('inventory', 'SELECT count(*) AS products FROM products');
    const wrong = await query<Levels>(
      'inventory',
      `SELECT p.id, s.total, s.held, s.sold FROM products p LEFT JOIN stock s ON s.product_id = p.id
        WHERE s.product_id IS NULL OR s.held < 0 OR s.sold < 0 OR s.held + s.sold > s.total
        ORDER BY p.id LIMIT ${maxFound}`,
    );
    return { counted: row?.products ?? 0, wrong: wrong.map(describeOversold) };
  },
};

export function describeOversold({ id, total, held, sold }: Levels): string {
  return total === null
    ? `product ${id} has no stock row`
    : `product ${id}: ${held} held and ${sold} sold of ${total} in all`;
}

/** The units of every hold, one row per product. */
const unitsOfHolds = `
  SELECT (item->>'productId')::uuid AS product_id,
         coalesce(sum((item->>'quantity')::bigint) FILTER (WHERE state = 'held'), 0)::bigint AS units_held,
         coalesce(sum((item->>'quantity')::bigint) FILTER (WHERE state = 'committed'), 0)::bigint AS units_committed
    FROM holds, jsonb_array_elements(items) AS item
   WHERE state <> 'released'
   GROUP BY 1`;

export const stockEqualsHolds: Check = {
  invariant: 2,
  title: 'stock equals holds: held = live holds, sold = committed holds',
  unit: ['product', 'products'],
  async run({ query }) {
    const [row] = await query<{ products: number }>('inventory', 'SELECT count(*) AS products FROM stock');
    const wrong = await query<StockRow>(
      'inventory',
      `SELECT * FROM (
         SELECT coalesce(s.product_id, h.product_id) AS id, s.total, coalesce(s.held, 0) AS held,
                coalesce(s.sold, 0) AS sold, coalesce(h.units_held, 0) AS units_held,
                coalesce(h.units_committed, 0) AS units_committed
           FROM stock s FULL JOIN (${unitsOfHolds}) h ON h.product_id = s.product_id) both_sides
        WHERE held <> units_held OR sold <> units_committed
        ORDER BY id LIMIT ${maxFound}`,
    );
    return { counted: row?.products ?? 0, wrong: wrong.map(describeUnequalStock) };
  },
};

export function describeUnequalStock(row: Omit<StockRow, 'total'>): string {
  return [
    `product ${row.id}: stock says ${row.held} held and ${row.sold} sold,`,
    `its holds say ${row.units_held} and ${row.units_committed}`,
  ].join(' ');
}
