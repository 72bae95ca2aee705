import { comparePairs, type Check } from '../check.ts';
import { merge, type Pair } from '../merge.ts';
import { mayBeRemoved } from '../removed.ts';

export interface Line {
  productId: string;
  quantity: number;
}
export interface ReservationRow {
  key: string;
  order_id: string;
  user_id: string;
  status: 'pending' | 'held' | 'rejected' | 'released' | 'completed';
  items: Line[];
}
export interface HoldRow {
  key: string;
  order_id: string;
  user_id: string;
  state: 'held' | 'committed' | 'released';
  items: Line[];
}

export const reservationsMatchHolds: Check = {
  invariant: 4,
  title: 'each reservation matches its hold',
  unit: ['reservation', 'reservations'],
  run: ({ stream }) =>
    comparePairs(
      merge(
        stream<ReservationRow>(
          'reservation',
          'SELECT id AS key, order_id, user_id, status, items FROM reservations ORDER BY id',
        ),
        stream<HoldRow>(
          'inventory',
          'SELECT reservation_id AS key, order_id, user_id, state, items FROM holds ORDER BY reservation_id',
        ),
      ),
      (pair) => wrongWithHold(pair),
    ),
};

const stateFor = { held: 'held', completed: 'committed', released: 'released' } as const;

export function wrongWithHold(
  { key, left, right }: Pair<ReservationRow, HoldRow>,
  now = new Date(),
): string | undefined {
  if (!left && right!.state === 'released' && mayBeRemoved(key, now)) return undefined;
  if (!left) return `there is a ${right!.state} hold of reservation ${key}, which there is not`;
  if (left.status === 'pending') return undefined;
  if (left.status === 'rejected') {
    // A cancellation that came after the refusal leaves an empty, released hold behind.
    const isTrace = right?.state === 'released' && right.items.length === 0;
    return !right || isTrace ? undefined : `reservation ${key} is rejected, and there is a ${right.state} hold of it`;
  }
  if (!right && left.status === 'released' && mayBeRemoved(key, now)) return undefined;
  if (!right) return `reservation ${key} is ${left.status}, and there is no hold of it`;
  if (right.state !== stateFor[left.status]) return `reservation ${key} is ${left.status}, its hold is ${right.state}`;
  if (right.order_id !== left.order_id || right.user_id !== left.user_id) {
    return `reservation ${key} and its hold are not of the same order and shopper`;
  }
  if (right.state !== 'released' && unitsIn(left.items) !== unitsIn(right.items)) {
    return `reservation ${key} is of ${unitsIn(left.items)}, its hold of ${unitsIn(right.items)}`;
  }
  return undefined;
}

/** One spelling for the same units, in whatever order and however many lines. */
function unitsIn(items: Line[]): string {
  const units = new Map<string, number>();
  for (const { productId, quantity } of items) units.set(productId, (units.get(productId) ?? 0) + quantity);
  return [...units]
    .map(([productId, quantity]) => `${quantity} of ${productId}`)
    .sort()
    .join(', ');
}
