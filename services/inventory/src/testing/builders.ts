import type { EventData } from '@flash-sale/contract/events/schemas.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import type { Context } from '@flash-sale/shared/messaging/decision.ts';
import type { HoldSettings } from '../domain/hold.ts';
import {
  InventoryState,
  noUnpaidBound,
  type Hold,
  type HeldLine,
  type Product,
  type Stock,
  type UnitsOfShopper,
} from '../domain/state.ts';

export const now = new Date('2030-06-01T12:00:00.000Z');
export const ttlMs = 120_000;
export const later = (ms: number): Date => new Date(now.getTime() + ms);

/** The context of a decision at that time, with an inbox that forgets nothing and no limit on unpaid units. */
export const at = (time: Date, overrides: Partial<Context & HoldSettings> = {}): Context & HoldSettings => ({
  now: time,
  isForgotten: () => false,
  holdTtlMs: ttlMs,
  unpaid: noUnpaidBound,
  ...overrides,
});

export const aProduct = (overrides: Partial<Product> = {}): Product => ({
  id: newId(),
  name: 'Comet sneakers',
  priceCents: 4_900,
  currency: 'EUR',
  limitPerUser: null,
  saleStartsAt: null,
  saleEndsAt: null,
  listed: true,
  ...overrides,
});

/** `aStock({total: 5, limitPerUser: 2})`: units and product in one. */
export function aStock(
  overrides: Partial<Product> & {
    total?: number;
    held?: number;
    sold?: number;
    version?: number;
    revision?: number;
  } = {},
): Stock {
  const { total = 10, held = 0, sold = 0, version = 1, revision = 1, ...product } = overrides;
  return { product: aProduct(product), total, held, sold, version, revision };
}

export const line = (stock: Stock, quantity = 1): HeldLine => ({ productId: stock.product.id, quantity });

export const aRequest = (
  items: HeldLine[],
  overrides: Partial<EventData<'reservation.requested'>> = {},
): EventData<'reservation.requested'> => ({
  reservationId: newId(),
  orderId: newId(),
  userId: newId(),
  items,
  ...overrides,
});

export const aHold = (overrides: Partial<Hold> = {}): Hold => ({
  reservationId: newId(),
  orderId: newId(),
  userId: newId(),
  state: 'held',
  items: [],
  expiresAt: later(ttlMs),
  ...overrides,
});

/** The data of an event about a hold: its ids and lines. */
export const about = ({ reservationId, orderId, userId, items }: Hold | EventData<'reservation.requested'>) => ({
  reservationId,
  orderId,
  userId,
  items,
});

export const idsOf = ({ reservationId, orderId, userId }: Hold | EventData<'reservation.requested'>) => ({
  reservationId,
  orderId,
  userId,
});

export const given = (loaded: {
  stock?: Stock[];
  holds?: Hold[];
  units?: UnitsOfShopper[];
  unpaid?: UnitsOfShopper[];
}): InventoryState => new InventoryState({ stock: [], holds: [], units: [], ...loaded });

export const levels = ({ total, held, sold }: Stock) => ({ total, held, sold });
