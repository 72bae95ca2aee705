import { describe, expect, test } from '@jest/globals';
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type Migration,
} from 'kysely';
import { databases } from './database-names.ts';
import { migrations } from './set-up.ts';

/** What a migration would do, without a database. */
async function statementsOf(migration: Migration): Promise<string[]> {
  const statements: string[] = [];
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (kysely) => new PostgresIntrospector(kysely),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => void statements.push(query.sql),
  });
  await migration.up(db);
  return statements;
}

const later = databases.flatMap((database) =>
  Object.entries(migrations[database]).flatMap(([name, migration]) =>
    name.startsWith('0001-') ? [] : [{ database, name, migration }],
  ),
);

describe.each(later)('the migration $name of $database, which finds tables in use,', ({ migration }) => {
  test('does one thing at a time, and builds indexes on them without locking writers out', async () => {
    const statements = await statementsOf(migration);
    expect(statements.length).toBeGreaterThan(0);
    const own = new Set(statements.map((text) => /CREATE TABLE IF NOT EXISTS (\w+)/.exec(text)?.[1]));
    for (const text of statements) {
      expect(text).not.toContain(';');
      const index = /CREATE (?:UNIQUE )?INDEX (?<how>.*?)\bON (?<table>\w+)/s.exec(text)?.groups;
      if (index && !own.has(index['table'])) expect(text).toMatch(/^CREATE (UNIQUE )?INDEX CONCURRENTLY /);
    }
  });
});
