export interface Pair<Left, Right> {
  key: string;
  left: Left | undefined;
  right: Right | undefined;
}

/**
 * Walks two streams side by side in bounded memory. Both must ascend by unique keys, in the order of their characters,
 * which for lower-case UUIDs is PostgreSQL's order.
 * @throws when one does not: a pair would be taken for two single ones
 */
export async function* merge<Left extends { key: string }, Right extends { key: string }>(
  lefts: AsyncIterable<Left>,
  rights: AsyncIterable<Right>,
): AsyncGenerator<Pair<Left, Right>, void, void> {
  const left = ascending(lefts);
  const right = ascending(rights);
  let l = await left();
  let r = await right();
  while (l !== undefined || r !== undefined) {
    if (r === undefined || (l !== undefined && l.key < r.key)) {
      yield { key: l!.key, left: l, right: undefined };
      l = await left();
    } else if (l === undefined || r.key < l.key) {
      yield { key: r.key, left: undefined, right: r };
      r = await right();
    } else {
      yield { key: l.key, left: l, right: r };
      l = await left();
      r = await right();
    }
  }
}

function ascending<Row extends { key: string }>(rows: AsyncIterable<Row>): () => Promise<Row | undefined> {
  const iterator = rows[Symbol.asyncIterator]();
  let last: string | undefined;
  return async () => {
    const next = await iterator.next();
    if (next.done) return undefined;
    const { value } = next;
    if (last !== undefined && value.key <= last) throw new Error(`out of order: ${value.key} after ${last}`);
    last = value.key;
    return value;
  };
}
