import { refuse, type Refused, type Result } from '@flash-sale/shared/messaging/decision.ts';
import type { Cart, CartLine, ReservationState } from './state.ts';

export const maxLines = 20;
export const maxUnitsPerLine = 1_000;

export type CartRefusal = 'not-found' | 'cart-reserved' | 'cart-full' | 'too-many-units';
export type CartResult = (Result & { cart: { id: string; items: CartLine[] } }) | Refused<CartRefusal>;

/** A copy, so that later changes in the same batch do not show in this answer. */
const shown = ({ id, items }: Cart): CartResult => ({
  cart: { id, items: items.map((line) => ({ ...line })) },
  events: [],
});

/** A cart can be changed and reserved, unless its reservation is pending, held or bought. */
export const isOpen = (cart: Cart): boolean =>
  cart.reservationId === null || cart.reservationStatus === 'rejected' || cart.reservationStatus === 'released';

export function createCart(input: { cartId: string; userId: string }, state: ReservationState): CartResult {
  const cart = { id: input.cartId, userId: input.userId, items: [], reservationId: null, reservationStatus: null };
  state.addCart(cart);
  return shown(cart);
}

/** Adds units to the cart's line of a product, or makes one. */
export function addItem(input: { cartId: string; userId: string } & CartLine, state: ReservationState): CartResult {
  const cart = state.cartOf(input.cartId, input.userId);
  if (!cart) return refuse('not-found');
  if (!isOpen(cart)) return refuse('cart-reserved');
  const line = cart.items.find(({ productId }) => productId === input.productId);
  if (!line && cart.items.length >= maxLines) return refuse('cart-full');
  if ((line?.quantity ?? 0) + input.quantity > maxUnitsPerLine) return refuse('too-many-units');
  if (line) line.quantity += input.quantity;
  else cart.items.push({ productId: input.productId, quantity: input.quantity });
  state.changedCart(cart);
  return shown(cart);
}

/** Removes a product's line, if there is one. */
export function removeItem(
  input: { cartId: string; userId: string; productId: string },
  state: ReservationState,
): CartResult {
  const cart = state.cartOf(input.cartId, input.userId);
  if (!cart) return refuse('not-found');
  if (!isOpen(cart)) return refuse('cart-reserved');
  cart.items = cart.items.filter(({ productId }) => productId !== input.productId);
  state.changedCart(cart);
  return shown(cart);
}
