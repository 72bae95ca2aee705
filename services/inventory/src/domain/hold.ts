import type { EventData, NewEvent, RefusalReason } from '@flash-sale/shared/events/schemas.ts';
import { availableOf, type HeldLine, type InventoryState, type Stock } from './state.ts';

type Request = EventData<'reservation.requested'>;

/**
 * Decides one request against the stock as the requests before it have left it: all lines are held, or none.
 * @returns what to tell the others; nothing when the reservation was cancelled before its request arrived
 */
export function hold(request: Request, state: InventoryState, now: Date, ttlMs: number): NewEvent[] {
  const { reservationId, orderId, userId } = request;
  if (state.holds.has(reservationId)) return [];
  const lines = mergeLines(request.items);
  const decided = linesOf(lines, userId, state, now);
  if ('refusal' in decided) {
    return [{ type: 'stock.refused', data: { reservationId, orderId, userId, reason: decided.refusal } }];
  }
  for (const { stock, quantity } of decided.lines) {
    state.changeStock(stock, { held: quantity });
    state.changeUnits(stock.product, userId, quantity);
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

/** Two lines of one product are one demand; taken one by one they could each fit and together oversell. */
function mergeLines(items: HeldLine[]): HeldLine[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of items) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity }));
}

type Decided = { refusal: RefusalReason } | { lines: { stock: Stock; quantity: number }[] };

function linesOf(lines: HeldLine[], userId: string, state: InventoryState, now: Date): Decided {
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
    if (wanted.length > 0 && wanted[0]!.stock.product.currency !== currency) return { refusal: 'mixed-currencies' };
    wanted.push({ stock, quantity });
  }
  return { lines: wanted };
}
