import type { DatabaseName } from '../../infra/launcher/database-names.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import { ask, untilQuiet } from './audit.ts';
import { until } from '../until.ts';

const tables: Partial<Record<DatabaseName, string[]>> = {
  user: ['account'],
  inventory: ['products', 'stock', 'holds', 'buyer_units'],
  reservation: ['carts', 'reservations'],
  order: ['orders'],
  payment: ['payables', 'payments'],
  gateway: ['ledger'],
};

/** A digest of every table that a request may change, by name; log-ins leave no trace in it. */
export async function digestOfTheBooks(stack: Stack): Promise<Record<string, string>> {
  const digests = Object.entries(tables).map(([database, names]) => {
    const each = names.map(
      (name) => `SELECT '${name}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ${name} t`,
    );
    return ask<{ name: string; md5: string }>(stack, database as DatabaseName, each.join(' UNION ALL '));
  });
  return Object.fromEntries((await Promise.all(digests)).flat().map(({ name, md5 }) => [name, md5]));
}

/** The digest once nothing changes it any more: the same twice in a row, with nothing under way in between. */
export async function booksAtRest(stack: Stack): Promise<Record<string, string>> {
  const look = async () => {
    await untilQuiet(stack);
    return digestOfTheBooks(stack);
  };
  let books = await look();
  await until('books at rest', async () => JSON.stringify(books) === JSON.stringify((books = await look())));
  return books;
}
