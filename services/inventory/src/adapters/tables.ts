import type { HeldLine, HoldState } from '../domain/state.ts';

/** The inventory's tables, as its reads see them. */
export interface InventoryTables {
  products: {
    id: string;
    name: string;
    price_cents: number;
    currency: string;
    limit_per_user: number | null;
    sale_starts_at: Date | null;
    sale_ends_at: Date | null;
    listed: boolean;
  };
  stock: { product_id: string; total: number; held: number; sold: number; version: number; revision: number };
  holds: {
    reservation_id: string;
    order_id: string;
    user_id: string;
    state: HoldState;
    items: HeldLine[];
    expires_at: Date;
  };
}
