import type { DatabaseName } from '../../launcher/database-names.ts';
import { maxFound, type Check } from '../check.ts';

/** With nothing under way, what is not settled never will be. */
const settled = (what: string, database: DatabaseName, table: string, unsettled: string): Check => ({
  invariant: 4,
  title: `every ${what} is settled`,
  unit: [what, `${what}s`],
  async run({ query }) {
    const [row] = await query<{ rows: number }>(database, `SELECT count(*) AS rows FROM ${table}`);
    const wrong = await query<{ id: string; status: string }>(
      database,
      `SELECT id, status FROM ${table} WHERE status = '${unsettled}' ORDER BY id LIMIT ${maxFound}`,
    );
    return {
      counted: row?.rows ?? 0,
      wrong: wrong.map(({ id, status }) => `${what} ${id} is ${status}, and nothing is under way that could settle it`),
    };
  },
});

export const reservationsSettled = settled('reservation', 'reservation', 'reservations', 'pending');
export const ordersSettled = settled('order', 'order', 'orders', 'paid');
export const paymentsSettled = settled('payment', 'payment', 'payments', 'pending');
