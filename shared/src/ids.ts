import { createHmac, timingSafeEqual } from 'node:crypto';
import { parse, stringify, v7, validate } from 'uuid';

/** UUIDv7: sorts by time of making, which keeps index inserts at the right edge of the tree. */
export const newId = (): string => v7();

export const isId = validate;

/** Not one more: in the byte before, a UUIDv7 still counts the ids made within one millisecond. */
const macBytes = 5;

/**
 * An order is announced to its shopper before the order and payment services have heard of it. So that they can tell
 * "not here yet" from "never existed" (and from "somebody else's"), the last 40 bits of an order id are a MAC over the
 * rest and the shopper. What remains unique: the milliseconds and 32 bits that count and vary within them.
 */
export function orderIds(secret: string): {
  mint(userId: string): string;
  isMinted(orderId: string, userId: string): boolean;
} {
  const mac = (head: Uint8Array, userId: string) =>
    createHmac('sha256', secret).update(head).update(userId).digest().subarray(0, macBytes);
  return {
    mint(userId) {
      const bytes = parse(v7());
      bytes.set(mac(bytes.subarray(0, 16 - macBytes), userId), 16 - macBytes);
      return stringify(bytes);
    },
    isMinted(orderId, userId) {
      if (!validate(orderId)) return false;
      const bytes = parse(orderId);
      return timingSafeEqual(mac(bytes.subarray(0, 16 - macBytes), userId), bytes.subarray(16 - macBytes));
    },
  };
}
export type OrderIds = ReturnType<typeof orderIds>;

/** When an id was made, by the clock of who made it: the first 48 bits of a UUIDv7, in Unix milliseconds. */
export const mintedAtMs = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
