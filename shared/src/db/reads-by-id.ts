import { Batcher } from '../messaging/batcher.ts';
import { orUnavailable } from './connection.ts';

const limits = { maxItems: 256, maxQueued: 20_000 };

/**
 * Reads of single rows that a crowd asks for: those that come together share one query, so that a burst costs a few
 * queries instead of a place in the queue for a connection each.
 * @param read answers the rows of these ids, in any order
 * @returns reads one; undefined when there is none. @throws AppError unavailable when the database cannot be reached
 */
export function readsById<Row extends { id: string }, View>(
  read: (ids: string[]) => Promise<Row[]>,
  viewOf: (row: Row) => View,
): (id: string) => Promise<View | undefined> {
  const reads = new Batcher<string, View | undefined>({
    ...limits,
    async flush(ids) {
      const rows = await orUnavailable(read(ids));
      const byId = new Map(rows.map((row) => [row.id, viewOf(row)]));
      return ids.map((id) => byId.get(id));
    },
  });
  return (id) => reads.run(id);
}
