import type { EventData, RefusalReason } from '@flash-sale/contract/events/schemas.ts';
import { nothing, type Context, type Result } from '@flash-sale/shared/messaging/decision.ts';
import { availableOf, type HeldLine, type InventoryState, type Stock, type UnpaidBound } from './state.ts';

/** The shop's settings for all holds. */
export interface HoldSettings {
  /** How long a hold waits for its payment. */
  holdTtlMs: number;
  unpaid: UnpaidBound;
}

type Request = EventData<'reservation.requested'>;

/**
 * Decides one request against the stock that earlier requests have left: holds all of its lines or none. If the reservation was
 * cancelled before its request arrived, nothing follows.
 */
export function hold(request: Request, state: InventoryState, context: Context & HoldSettings): Result {
  const { reservationId, orderId, userId } = request;
  if (state.holds.has(reservationId)) return nothing;
  // Its hold may have ended and been removed, so holding now could sell a second time; a shopper who still waits gets a refusal.
  if (context.isForgotten(reservationId)) return refused(request, 'cancelled');
  const lines = mergeLines(request.items);
  const decided = decideLines(lines, userId, state, context);
  if ('refusal' in decided) return refused(request, decided.refusal);
  for (const { stock, quantity } of decided.lines) {
    state.changeStock(stock, { held: quantity });
    state.changeUnits(stock.product, userId, quantity);
    state.changeUnpaid(stock.product.id, userId, quantity);
  }
  const expiresAt = new Date(context.now.getTime() + context.holdTtlMs);
  state.addHold({ reservationId, orderId, userId, state: 'held', items: lines, expiresAt });
  const items = decided.lines.map(({ stock: { product }, quantity }) => ({
    productId: product.id,
    name: product.name,
    quantity,
    unitPriceCents: product.priceCents,
  }));
  return {
    events: [
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
    ],
  };
}

const refused = ({ reservationId, orderId, userId }: Request, reason: RefusalReason): Result => ({
  events: [{ type: 'stock.refused', data: { reservationId, orderId, userId, reason } }],
});

/** Adds up lines of the same product: checked one by one, each could fit while together they oversell. */
function mergeLines(items: HeldLine[]): HeldLine[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of items) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity }));
}

type DecidedLines = { refusal: RefusalReason } | { lines: { stock: Stock; quantity: number }[] };

function decideLines(
  lines: HeldLine[],
  userId: string,
  state: InventoryState,
  { now, unpaid }: Context & HoldSettings,
): DecidedLines {
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
    if (state.unpaidOf(productId, userId) + quantity > maxUnpaid(stock, unpaid)) return { refusal: 'limit-exceeded' };
    if (wanted.length > 0 && wanted[0]!.stock.product.currency !== currency) return { refusal: 'mixed-currencies' };
    wanted.push({ stock, quantity });
  }
  return { lines: wanted };
}

const maxUnpaid = ({ total }: Stock, { units, percent }: UnpaidBound): number =>
  units === 0 ? Infinity : Math.max(units, Math.floor((total * percent) / 100));
