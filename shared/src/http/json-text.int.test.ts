import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { verifyText } from './json-text.ts';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase('text');
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const isTaken = (body: string) => {
  try {
    verifyText(undefined as never, undefined as never, Buffer.from(body), 'utf-8');
    return true;
  } catch {
    return false;
  }
};
const unit = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.constantFrom('\ud83d', '\udca1', '\0', '\\', '\\ud83d', '\ufffd', '\u2028', 'é', 'e\u0301', '\u{1F4A1}'),
);
const anyText = fc.array(unit, { maxLength: 8 }).map((parts) => parts.join(''));

// Events are made of what is in memory: it must be what everybody else will read.
test('every text that is taken is stored as it came, as text and as JSON, and no other is', async () => {
  let [taken, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(anyText, async (text) => {
      const body = JSON.stringify({ text });
      const isStorable = !text.includes('\0') && text.isWellFormed();
      expect([text, isTaken(body)]).toEqual([text, isStorable]);
      if (!isStorable) return void (refused += 1);
      taken += 1;
      const { rows } = await client.query<{ text: string; json: unknown; jsonb: unknown }>(
        'SELECT $1::text AS text, $2::json AS json, $2::jsonb AS jsonb',
        [text, body],
      );
      expect(rows).toEqual([{ text, json: { text }, jsonb: { text } }]);
    }),
    { numRuns: 1_000 },
  );
  expect([taken > 100, refused > 100]).toEqual([true, true]);
});
