import { minRetentionMs } from '@flash-sale/shared/config.ts';
import { isOlderThan } from '@flash-sale/shared/ids.ts';

/**
 * Whether what belongs to this id may have been removed, if it came to nothing: each service removes by itself, so of a
 * reservation, its hold and its order any may be gone before the others. Sold units and money taken are never removed.
 */
export const mayBeRemoved = (id: string, now: Date): boolean => isOlderThan(id, minRetentionMs, now);
