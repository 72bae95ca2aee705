import pg from 'pg';
import type { Statement } from './statements.ts';

type Value = string | number;
/** Numbers that may be large come as text. */
export type Row = Record<string, Value>;

interface Waiting {
  values: Value[];
  resolve: (row: Row | undefined) => void;
  reject: (error: unknown) => void;
}

const maxItems = 500;

/**
 * Group commit of one statement on a connection of its own: what comes while a batch is under way travels together in the next.
 * The first value of an item is the id by which its row is found; no row is an answer too.
 */
export async function groupCommit(
  url: string,
  { name, text }: Statement,
): Promise<(...values: Value[]) => Promise<Row | undefined>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const queue: Waiting[] = [];
  let running = false;

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, maxItems);
      try {
        const columns = batch[0]!.values.map((_, column) => batch.map(({ values }) => values[column]));
        const { rows } = await client.query<Row>({ name, text, values: columns });
        const byId = new Map(rows.map((row) => [row['id'], row]));
        for (const { values, resolve } of batch) resolve(byId.get(String(values[0])));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  }

  return (...values) =>
    new Promise((resolve, reject) => {
      queue.push({ values, resolve, reject });
      if (running) return;
      running = true;
      setImmediate(() => void run()); // what other sockets bring in this turn travels along
    });
}
