import type { RefusalReason } from '@flash-sale/contract/events/schemas.ts';
import type { Standing } from './bounds.ts';

export interface CartLine {
  productId: string;
  quantity: number;
}

export interface Cart {
  id: string;
  userId: string;
  items: CartLine[];
  /** The latest reservation of this cart, and its status when loaded; after a rejected or released one the cart is open again. */
  reservationId: string | null;
  reservationStatus: ReservationStatus | null;
}

/**
 * The allowed next statuses of each. `stock.committed` may overtake `stock.held`, and a cancellation its own request, hence the
 * long first row.
 */
export const reservationStatuses = {
  pending: ['held', 'rejected', 'released', 'completed'],
  held: ['released', 'completed'],
  rejected: [],
  released: [],
  completed: [],
} as const satisfies Record<string, readonly string[]>;
export type ReservationStatus = keyof typeof reservationStatuses;

export const mayBecome = (from: ReservationStatus, to: ReservationStatus): boolean =>
  (reservationStatuses[from] as readonly ReservationStatus[]).includes(to);

export interface PricedLine extends CartLine {
  name: string;
  unitPriceCents: number;
}

export interface Reservation {
  id: string;
  orderId: string;
  userId: string;
  cartId: string;
  idempotencyKey: string;
  status: ReservationStatus;
  cancelRequested: boolean;
  /** When the shopper asked to cancel. Null if that never happened, or an instance of an older release was asked. */
  cancelledAt: Date | null;
  items: CartLine[] | PricedLine[];
  totalCents: number | null;
  currency: string | null;
  expiresAt: Date | null;
  reason: RefusalReason | 'expired' | null;
}

/** What is kept of a removed reservation, so that a repeat of its key is recognised and does not buy again. */
export interface UsedKey {
  userId: string;
  idempotencyKey: string;
  cartId: string;
  reason: Reservation['reason'];
}

const keyOf = (userId: string, idempotencyKey: string) => `${userId} ${idempotencyKey}`;

/** The carts and reservations that a batch touches, and which of them a decision has made or changed. */
export class ReservationState {
  readonly #carts: Map<string, Cart>;
  readonly #reservations: Map<string, Reservation>;
  readonly #byKey: Map<string, Reservation>;
  readonly #standings: Map<string, Standing>;
  readonly #usedKeys: Map<string, UsedKey>;
  readonly newCarts = new Set<Cart>();
  readonly changedCarts = new Set<Cart>();
  readonly newReservations = new Set<Reservation>();
  readonly changedReservations = new Set<Reservation>();
  /** Those that a decision has moved to another status. */
  readonly statusChanged = new Set<Reservation>();

  constructor(loaded: {
    carts: Cart[];
    reservations: Reservation[];
    standings?: (Standing & { userId: string })[];
    usedKeys?: UsedKey[];
  }) {
    this.#carts = new Map(loaded.carts.map((cart) => [cart.id, cart]));
    this.#reservations = new Map(loaded.reservations.map((row) => [row.id, row]));
    this.#byKey = new Map([...this.#reservations.values()].map((row) => [keyOf(row.userId, row.idempotencyKey), row]));
    this.#standings = new Map(loaded.standings?.map(({ userId, open, left }) => [userId, { open, left }]));
    this.#usedKeys = new Map(loaded.usedKeys?.map((used) => [keyOf(used.userId, used.idempotencyKey), used]));
  }

  /** The cart, unless it belongs to another shopper. */
  cartOf(id: string, userId: string): Cart | undefined {
    const cart = this.#carts.get(id);
    return cart?.userId === userId ? cart : undefined;
  }

  reservation(id: string): Reservation | undefined {
    return this.#reservations.get(id);
  }

  reservationByKey(userId: string, idempotencyKey: string): Reservation | undefined {
    return this.#byKey.get(keyOf(userId, idempotencyKey));
  }

  usedKey(userId: string, idempotencyKey: string): UsedKey | undefined {
    return this.#usedKeys.get(keyOf(userId, idempotencyKey));
  }

  /** As loaded, plus what the batch has added. What the batch has ended still counts until the next one. */
  standingOf(userId: string): Standing {
    return this.#standings.get(userId) ?? { open: 0, left: [] };
  }

  addCart(cart: Cart): void {
    this.#carts.set(cart.id, cart);
    this.newCarts.add(cart);
  }

  changedCart(cart: Cart): void {
    if (!this.newCarts.has(cart)) this.changedCarts.add(cart);
  }

  addReservation(reservation: Reservation): void {
    this.#reservations.set(reservation.id, reservation);
    this.#byKey.set(keyOf(reservation.userId, reservation.idempotencyKey), reservation);
    this.newReservations.add(reservation);
    const { open, left } = this.standingOf(reservation.userId);
    this.#standings.set(reservation.userId, { open: open + 1, left });
  }

  changedReservation(reservation: Reservation): void {
    if (!this.newReservations.has(reservation)) this.changedReservations.add(reservation);
  }

  /** Moves a reservation on. @throws when the table of statuses does not allow it: a bug */
  moveReservation(reservation: Reservation, next: ReservationStatus): void {
    if (!mayBecome(reservation.status, next)) {
      throw new Error(`a ${reservation.status} reservation cannot become ${next}`);
    }
    reservation.status = next;
    this.statusChanged.add(reservation);
    this.changedReservation(reservation);
  }
}
