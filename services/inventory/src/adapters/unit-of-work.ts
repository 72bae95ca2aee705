import type { Selectable } from 'kysely';
import type { Statement, Tx } from '@flash-sale/shared/db/lane-connection.ts';
import type { EventsOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { Lane } from '@flash-sale/shared/messaging/lane.ts';
import type { InputsOf, UnitOfWork, Work } from '@flash-sale/shared/messaging/unit-of-work.ts';
import type { StockLevel } from '@flash-sale/shared/redis/stock-view.ts';
import {
  InventoryState,
  type Hold,
  type HoldState,
  type HeldLine,
  type Product,
  type Stock,
  type UnitsOfShopper,
} from '../domain/state.ts';
import type { HoldSettings } from '../domain/hold.ts';
import { commands, handlers } from '../handlers.ts';
import { productOf } from './catalogue.ts';
import { levelOf, type LevelNews } from './stock-publisher.ts';
import type { InventoryTables } from './tables.ts';

type Commands = typeof commands;
export type InventoryLane = Lane<InventoryState, EventsOf<'inventory'>, Commands>;
type InventoryWork = Work<EventsOf<'inventory'>, InputsOf<Commands>>;

/** Locks the stock rows of the batch's products in the order of their ids. Everything else of a product is covered by that lock. */
const lockStock: Statement = {
  name: 'lock-stock',
  text: `SELECT product_id, total, held, sold, version, revision
           FROM stock WHERE product_id = ANY($1::uuid[]) ORDER BY product_id FOR UPDATE`,
};
/** Not joined to the above: after waiting for a lock, a join would return the product as it was before the wait. */
const readProducts: Statement = {
  name: 'read-products',
  text: `SELECT id, name, price_cents, currency, limit_per_user, sale_starts_at, sale_ends_at, listed
           FROM products WHERE id = ANY($1::uuid[])`,
};
const lockHolds: Statement = {
  name: 'lock-holds',
  text: `SELECT reservation_id, order_id, user_id, state, items, expires_at
           FROM holds WHERE reservation_id = ANY($1::uuid[]) ORDER BY reservation_id FOR UPDATE`,
};
const readUnits: Statement = {
  name: 'read-units',
  text: 'SELECT product_id, user_id, units FROM buyer_units WHERE product_id = ANY($1::uuid[]) AND user_id = ANY($2::uuid[])',
};
/** After the locks: any other transaction that holds units of these products has committed by then. */
const readUnpaid: Statement = {
  name: 'read-unpaid',
  text: `SELECT (i->>'productId')::uuid AS product_id, h.user_id, sum((i->>'quantity')::bigint)::bigint AS units
           FROM holds h, jsonb_array_elements(h.items) i
          WHERE h.user_id = ANY($1::uuid[]) AND h.state = 'held' GROUP BY 1, 2`,
};
const insertProducts: Statement = {
  name: 'insert-products',
  text: `INSERT INTO products (id, name, price_cents, limit_per_user, sale_starts_at, sale_ends_at, listed, currency)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::boolean[], $8::text[])`,
};
const insertStock: Statement = {
  name: 'insert-stock',
  text: `INSERT INTO stock (product_id, total, held, sold, version, revision)
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])`,
};
const updateProducts: Statement = {
  name: 'update-products',
  text: `UPDATE products p
            SET name = c.name, price_cents = c.price_cents, limit_per_user = c.limit_per_user,
                sale_starts_at = c.sale_starts_at, sale_ends_at = c.sale_ends_at, listed = c.listed
           FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::boolean[])
                c (id, name, price_cents, limit_per_user, sale_starts_at, sale_ends_at, listed)
          WHERE p.id = c.id`,
};
const updateStock: Statement = {
  name: 'update-stock',
  text: `UPDATE stock s SET total = c.total, held = c.held, sold = c.sold, version = c.version, revision = c.revision
           FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
                c (id, total, held, sold, version, revision)
          WHERE s.product_id = c.id`,
};
const insertHolds: Statement = {
  name: 'insert-holds',
  text: `INSERT INTO holds (reservation_id, order_id, user_id, state, items, expires_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::timestamptz[])`,
};
const updateHolds: Statement = {
  name: 'update-holds',
  text: `UPDATE holds h SET state = c.state FROM unnest($1::uuid[], $2::text[]) c (id, state) WHERE h.reservation_id = c.id`,
};
const upsertUnits: Statement = {
  name: 'upsert-units',
  text: `INSERT INTO buyer_units (product_id, user_id, units) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])
         ON CONFLICT (product_id, user_id) DO UPDATE SET units = excluded.units`,
};

/** How the inventory works on a batch. @param news is told of changed levels, and whether they were committed */
export const inventoryUnitOfWork = (
  settings: HoldSettings,
  news: LevelNews,
): UnitOfWork<InventoryState, EventsOf<'inventory'>, Commands> => ({
  handlers: handlers(settings),
  commands,
  load: (tx, batch) => load(tx, batch, settings.unpaid.units > 0),
  save(tx, state) {
    save(tx, state);
    if (state.newProducts.length + state.changedStock.size > 0) news.announced();
  },
  committed(state) {
    const levels = levelsOf(state);
    if (levels.length > 0) news.committed(levels);
  },
  failed(state) {
    const levels = state ? levelsOf(state) : [];
    if (levels.length > 0) news.failed(levels);
  },
});

const levelsOf = (state: InventoryState): StockLevel[] => [...state.newProducts, ...state.changedStock].map(levelOf);

async function load(tx: Tx, batch: InventoryWork[], unpaidIsBound: boolean): Promise<InventoryState> {
  const { products, reservations, buyers, askers } = keysOf(batch);
  const stock = tx.read<StockRow>(lockStock, [products]);
  const described = tx.read<Selectable<InventoryTables['products']>>(readProducts, [products]);
  const holds = reservations.length > 0 ? tx.read<HoldRow>(lockHolds, [reservations]) : [];
  const units = buyers.length > 0 ? tx.read<UnitsRow>(readUnits, [products, buyers]) : [];
  const unpaid = unpaidIsBound && askers.length > 0 ? tx.read<UnitsRow>(readUnpaid, [askers]) : [];
  const byId = new Map((await described).map((row) => [row.id, productOf(row)]));
  return new InventoryState({
    stock: (await stock).map((row) => stockOf(row, byId.get(row.product_id)!)),
    holds: (await holds).map(holdOf),
    units: (await units).map(unitsOf),
    unpaid: (await unpaid).map(unitsOf),
  });
}

/** The products, reservations and shoppers that the batch touches, each once, sorted; `askers` are the shoppers who reserve. */
function keysOf(batch: InventoryWork[]) {
  const products = new Set<string>();
  const reservations = new Set<string>();
  const buyers = new Set<string>();
  const askers = new Set<string>();
  const add = (item: { reservationId: string; items: HeldLine[]; userId: string }) => {
    reservations.add(item.reservationId);
    for (const { productId } of item.items) products.add(productId);
    buyers.add(item.userId);
  };
  for (const work of batch) {
    if (work.kind === 'event') {
      add(work.event.data);
      if (work.event.type === 'reservation.requested') askers.add(work.event.data.userId);
    } else if (work.name === 'expire') add(work.input);
    else if (work.name === 'restock' || work.name === 'changeProduct') products.add(work.input.productId);
  }
  const [productIds, reservationIds, buyerIds] = [products, reservations, buyers].map((ids) => [...ids].sort());
  return { products: productIds!, reservations: reservationIds!, buyers: buyerIds!, askers: [...askers] };
}

function save(tx: Tx, state: InventoryState): void {
  if (state.newProducts.length > 0) {
    const products = state.newProducts.map(({ product }) => product);
    tx.write(insertProducts, [...changingColumns(products), products.map((p) => p.currency)]);
    tx.write(insertStock, stockColumns(state.newProducts));
  }
  const changed = [...state.changedStock].filter((stock) => !state.newProducts.includes(stock));
  for (const stock of changed) stock.version += 1;
  if (changed.length > 0) tx.write(updateStock, stockColumns(changed));
  if (state.changedProducts.size > 0) tx.write(updateProducts, changingColumns([...state.changedProducts]));
  if (state.newHolds.length > 0) {
    const holds = state.newHolds;
    tx.write(insertHolds, [
      holds.map((h) => h.reservationId),
      holds.map((h) => h.orderId),
      holds.map((h) => h.userId),
      holds.map((h) => h.state),
      holds.map((h) => JSON.stringify(h.items)),
      holds.map((h) => h.expiresAt),
    ]);
  }
  if (state.changedHolds.size > 0) {
    const holds = [...state.changedHolds];
    tx.write(updateHolds, [holds.map((h) => h.reservationId), holds.map((h) => h.state)]);
  }
  if (state.changedUnits.size > 0) {
    const units = [...state.changedUnits].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    tx.write(upsertUnits, [units.map((u) => u.productId), units.map((u) => u.userId), units.map((u) => u.units)]);
  }
}

/** The id and the columns of a product that may change. */
const changingColumns = (products: Product[]) => [
  products.map((p) => p.id),
  products.map((p) => p.name),
  products.map((p) => p.priceCents),
  products.map((p) => p.limitPerUser),
  products.map((p) => p.saleStartsAt),
  products.map((p) => p.saleEndsAt),
  products.map((p) => p.listed),
];

const stockColumns = (rows: Stock[]): unknown[] => [
  rows.map(({ product }) => product.id),
  rows.map(({ total }) => total),
  rows.map(({ held }) => held),
  rows.map(({ sold }) => sold),
  rows.map(({ version }) => version),
  rows.map(({ revision }) => revision),
];

interface StockRow {
  product_id: string;
  total: number;
  held: number;
  sold: number;
  version: number;
  revision: number;
}
interface HoldRow {
  reservation_id: string;
  order_id: string;
  user_id: string;
  state: HoldState;
  items: HeldLine[];
  expires_at: Date;
}
interface UnitsRow {
  product_id: string;
  user_id: string;
  units: number;
}

const stockOf = (row: StockRow, product: Product): Stock => ({
  product,
  total: row.total,
  held: row.held,
  sold: row.sold,
  version: row.version,
  revision: row.revision,
});

const holdOf = (row: HoldRow): Hold => ({
  reservationId: row.reservation_id,
  orderId: row.order_id,
  userId: row.user_id,
  state: row.state,
  items: row.items,
  expiresAt: row.expires_at,
});

const unitsOf = (row: UnitsRow): UnitsOfShopper => ({
  productId: row.product_id,
  userId: row.user_id,
  units: row.units,
});
