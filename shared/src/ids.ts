import { createHmac, createSecretKey, randomFillSync, timingSafeEqual } from 'node:crypto';
import { parse, stringify, v7, validate } from 'uuid';

const idBytes = 16;
/** Randomness for many ids at once: asking for it costs as much as all the rest of making one. */
const pool = new DataView(new ArrayBuffer(256 * idBytes));
let used = pool.byteLength;
let lastMs = 0;
let sequence = 0;

/** UUIDv7: sorts by the order of making within a process, by time among them; index inserts stay at the tree's right edge. */
export function newId(): string {
  if (used === pool.byteLength) {
    randomFillSync(pool);
    used = 0;
  }
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // The top bit stays free, so that counting on within the millisecond does not overflow.
    sequence = pool.getUint32(used) >>> 1;
  } else sequence += 1;
  const random = new Uint8Array(pool.buffer, used, idBytes);
  used += idBytes;
  return v7({ msecs: lastMs, seq: sequence, random });
}

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
  // A text would be made a key at each use, which takes longer than all the rest.
  const key = createSecretKey(Buffer.from(secret));
  const mac = (head: Uint8Array, userId: string) =>
    createHmac('sha256', key).update(head).update(userId).digest().subarray(0, macBytes);
  return {
    mint(userId) {
      const bytes = parse(newId());
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

/** Whether an id was made longer ago than that, by the clocks of who made it and of `now`. */
export const isOlderThan = (id: string, ageMs: number, now: Date): boolean => now.getTime() - mintedAtMs(id) > ageMs;

/** The least id that can have been made at a time: every id made before it sorts below. */
export const firstIdOf = (time: Date): string => {
  const ms = Math.max(0, Math.floor(time.getTime())).toString(16).padStart(12, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-000000000000`;
};
