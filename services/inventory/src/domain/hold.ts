import type { EventData, NewEvent, RefusalReason } from '@flash-sale/contract/events/schemas.ts';
import {
  availableOf,
  noUnpaidBound,
  type HeldLine,
  type InventoryState,
  type Stock,
  type UnpaidBound,
} from './state.ts';

type Request = EventData<'reservation.requested'>;

/**
 * Decides one request against the stock as the requests before it have left it: all lines are held, or none.
 * @returns what to tell the others; nothing when the reservation was cancelled before its request arrived
 */
export function hold(
  request: Request,
  state: InventoryState,
  now: Date,
  ttlMs: number,
  unpaid: UnpaidBound = noUnpaidBound,
): NewEvent[] {
  const { reservationId, orderId, userId } = request;
  if (state.holds.has(reservationId)) return [];
  const lines = mergeLines(request.items);
  const decided = linesOf(lines, userId, state, now, unpaid);
  if ('refusal' in decided) {
    return [{ type: 'stock.refused', data: { reservationId, orderId, userId, reason: decided.refusal } }];
  }
  for (const { stock, quantity } of decided.lines) {
    state.changeStock(stock, { held: quantity });
    state.changeUnits(stock.product, userId, quantity);
    state.changeUnpaid(stock.product.id, userId, quantity);
  }
  const expiresAt = new Date(now.getTime() + ttlMs);
  state.addHold({ reservationId, orderId, userId, state: 'held', items: lines, expiresAt });
  const items = decided.lines.map(({ stock: { product }, quantity }) => ({
    productId: product.id,
    name: product.name,
    quantity,
    unitPriceCents: product.priceCents,
  }));
  return [
    {
      type: 'stock.held',
      data: {
        reservationId,
        orderId,
        userId,
        items,
        totalCents: items.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0),
        currency: decided.lines[0]!.stock.product.currency,
        expiresAt: expiresAt.toISOString(),
      },
    },
  ];
}

/**
 * A request so old that repeats of it are not recognised any more. Its hold may have ended and been removed, so without one
 * it is refused: to hold now could buy a second time, and a shopper who still waits for it must hear something.
 */
export function refuseBygone(request: Request, state: InventoryState): NewEvent[] {
  const { reservationId, orderId, userId } = request;
  if (state.holds.has(reservationId)) return [];
  return [{ type: 'stock.refused', data: { reservationId, orderId, userId, reason: 'cancelled' } }];
}

/** Two lines of one product are one demand; taken one by one they could each fit and together oversell. */
function mergeLines(items: HeldLine[]): HeldLine[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of items) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity }));
}

type Decided = { refusal: RefusalReason } | { lines: { stock: Stock; quantity: number }[] };

function linesOf(lines: HeldLine[], userId: string, state: InventoryState, now: Date, unpaid: UnpaidBound): Decided {
  const wanted: { stock: Stock; quantity: number }[] = [];
  for (const { productId, quantity } of lines) {
    const stock = state.stock.get(productId);
    if (!stock) return { refusal: 'product-not-found' };
    const { saleStartsAt, saleEndsAt, limitPerUser, currency } = stock.product;
    if ((saleStartsAt && now < saleStartsAt) || (saleEndsAt && now >= saleEndsAt)) return { refusal: 'sale-closed' };
    if (limitPerUser !== null && state.unitsOf(productId, userId) + quantity > limitPerUser) {
      return { refusal: 'limit-exceeded' };
    }
    if (quantity > availableOf(stock)) return { refusal: 'sold-out' };
    if (state.unpaidOf(productId, userId) + quantity > mostUnpaid(stock, unpaid)) return { refusal: 'limit-exceeded' };
    if (wanted.length > 0 && wanted[0]!.stock.product.currency !== currency) return { refusal: 'mixed-currencies' };
    wanted.push({ stock, quantity });
  }
  return { lines: wanted };
}

const mostUnpaid = ({ total }: Stock, { units, percent }: UnpaidBound): number =>
  units === 0 ? Infinity : Math.max(units, Math.floor((total * percent) / 100));
