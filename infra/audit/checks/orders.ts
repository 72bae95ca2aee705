import { comparePairs, type Check } from '../check.ts';
import { merge, type Pair } from '../merge.ts';
import { mayBeRemoved } from '../removed.ts';
import type { ReservationRow } from './reservations.ts';

export interface ReservedRow {
  /** The order's id. */
  key: string;
  id: string;
  user_id: string;
  status: ReservationRow['status'];
  total_cents: number | null;
}
export interface OrderRow {
  key: string;
  reservation_id: string;
  user_id: string;
  status: 'awaiting-payment' | 'paid' | 'confirmed' | 'cancelled' | 'refunded';
  total_cents: number | null;
}

export const reservationsHaveOrders: Check = {
  invariant: 4,
  title: 'each reservation matches its order',
  unit: ['reservation', 'reservations'],
  run: ({ stream }) =>
    comparePairs(
      merge(
        stream<ReservedRow>(
          'reservation',
          'SELECT order_id AS key, id, user_id, status, total_cents FROM reservations ORDER BY order_id',
        ),
        stream<OrderRow>(
          'order',
          'SELECT id AS key, reservation_id, user_id, status, total_cents FROM orders ORDER BY id',
        ),
      ),
      (pair) => wrongWithOrder(pair),
    ),
};

const statusesFor = {
  held: ['awaiting-payment'],
  completed: ['confirmed'],
  released: ['cancelled', 'refunded'],
} as const satisfies Partial<Record<ReservationRow['status'], OrderRow['status'][]>>;

export function wrongWithOrder(
  { key, left, right }: Pair<ReservedRow, OrderRow>,
  now = new Date(),
): string | undefined {
  const unsold = ['cancelled', 'refunded'];
  if (!left && unsold.includes(right!.status) && mayBeRemoved(key, now)) return undefined;
  if (!left) return `order ${key} belongs to reservation ${right!.reservation_id}, which there is not`;
  // Whether it may still be under way is another check.
  if (left.status === 'pending' || right?.status === 'paid') return undefined;
  if (left.status === 'rejected') {
    // What the order service keeps of a refusal or of a cancellation after it.
    const isTrace = right?.status === 'cancelled' && right.total_cents === null;
    return !right || isTrace
      ? undefined
      : `reservation ${left.id} is rejected, and its order ${key} is ${right.status}`;
  }
  if (!right && left.status === 'released' && mayBeRemoved(key, now)) return undefined;
  if (!right) return `reservation ${left.id} is ${left.status}, and its order ${key} is not there`;
  if (!(statusesFor[left.status] as readonly string[]).includes(right.status)) {
    return `reservation ${left.id} is ${left.status}, its order ${key} is ${right.status}`;
  }
  if (right.reservation_id !== left.id || right.user_id !== left.user_id) {
    return `reservation ${left.id} and its order ${key} do not name each other, or not the same shopper`;
  }
  if (left.status !== 'released' && right.total_cents !== left.total_cents) {
    return `reservation ${left.id} costs ${left.total_cents} cents, its order ${key} ${right.total_cents}`;
  }
  return undefined;
}
