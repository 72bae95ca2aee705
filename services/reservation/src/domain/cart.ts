import type { Cart, CartLine, ReservationState } from './state.ts';

export const mostLines = 20;
export const mostUnitsPerLine = 1_000;

export type CartRefusal = 'not-found' | 'cart-reserved' | 'cart-full' | 'too-many-units';
export type CartResult = { cart: { id: string; items: CartLine[] } } | { refusal: CartRefusal };

const shown = (cart: Cart): CartResult => ({ cart: { id: cart.id, items: cart.items.map((line) => ({ ...line })) } });

/** A cart can be changed, and reserved, unless a reservation of it is under way or has been bought. */
export const isOpen = (cart: Cart): boolean =>
  cart.reservationId === null || cart.reservationStatus === 'rejected' || cart.reservationStatus === 'released';

export function createCart(input: { cartId: string; userId: string }, state: ReservationState): CartResult {
  const cart = { id: input.cartId, userId: input.userId, items: [], reservationId: null, reservationStatus: null };
  state.addCart(cart);
  return shown(cart);
}

/** Adds units; a product that is in the cart already gets more of them, so that a cart has one line a product. */
export function addItem(input: { cartId: string; userId: string } & CartLine, state: ReservationState): CartResult {
  const cart = state.cartOf(input.cartId, input.userId);
  if (!cart) return { refusal: 'not-found' };
  if (!isOpen(cart)) return { refusal: 'cart-reserved' };
  const line = cart.items.find(({ productId }) => productId === input.productId);
  if (!line && cart.items.length >= mostLines) return { refusal: 'cart-full' };
  if ((line?.quantity ?? 0) + input.quantity > mostUnitsPerLine) return { refusal: 'too-many-units' };
  if (line) line.quantity += input.quantity;
  else cart.items.push({ productId: input.productId, quantity: input.quantity });
  state.changedCart(cart);
  return shown(cart);
}

/** Removes a product's line; one that is not there is as good as removed. */
export function removeItem(
  input: { cartId: string; userId: string; productId: string },
  state: ReservationState,
): CartResult {
  const cart = state.cartOf(input.cartId, input.userId);
  if (!cart) return { refusal: 'not-found' };
  if (!isOpen(cart)) return { refusal: 'cart-reserved' };
  cart.items = cart.items.filter(({ productId }) => productId !== input.productId);
  state.changedCart(cart);
  return shown(cart);
}
