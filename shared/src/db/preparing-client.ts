import pg from 'pg';

const maxStatements = 100;
const names = new Map<string, string>();

/** A text's name for PostgreSQL to keep its plan by; undefined once there are so many that texts must be varying. */
function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= maxStatements) return known;
  const name = `read-${names.size}`;
  names.set(text, name);
  return name;
}

/**
 * Prepares what Kysely sends. Kysely names no statement, so PostgreSQL would parse and plan each anew; reads of many rows
 * are therefore written with `= any($1)`, whose text is the same for any number of them.
 */
export class PreparingClient extends pg.Client {
  // @ts-expect-error -- of pg's many signatures only the one that Kysely's driver uses is changed
  override query(query: unknown, values?: unknown, callback?: unknown): unknown {
    const name = typeof query === 'string' && Array.isArray(values) && !callback ? nameOf(query) : undefined;
    const send = super.query.bind(this) as (...args: unknown[]) => Promise<unknown>;
    if (name === undefined) return send(query, values, callback);
    return send({ name, text: query, values }).catch((error: unknown) => {
      // A migration has changed the columns behind a kept plan; the next client makes a new one.
      if ((error as { code?: unknown }).code === '0A000') void this.end().catch(() => {});
      throw error;
    });
  }
}
