import type { DatabaseName } from '../../infra/launcher/database-names.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import { ask } from './audit.ts';

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
