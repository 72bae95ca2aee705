import { expect } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { shopServices, type Shop } from './shop.ts';

/** Waits until all is quiet, and compares the databases with each other. @throws at the first discrepancy */
export async function audit(shop: Shop): Promise<void> {
  await eventually(async () => {
    for (const service of shopServices) {
      const [outbox] = await shop.query<{ records: number }>(service, 'SELECT count(*)::int AS records FROM outbox');
      expect([service, outbox!.records]).toEqual([service, 0]);
    }
  });

  const [stock, holds, reservations, orders, payments, ledger] = await Promise.all([
    shop.query<{ product_id: string; total: number; held: number; sold: number }>('inventory', 'SELECT * FROM stock'),
    shop.query<{ reservation_id: string; order_id: string; state: string; items: Line[] }>(
      'inventory',
      'SELECT * FROM holds',
    ),
    shop.query<{ id: string; order_id: string; status: string }>('reservation', 'SELECT * FROM reservations'),
    shop.query<{ id: string; status: string; payment_id: string | null; items: Line[]; total_cents: number }>(
      'order',
      'SELECT * FROM orders',
    ),
    shop.query<{ id: string; order_id: string; status: string; amount_cents: number }>(
      'payment',
      'SELECT * FROM payments',
    ),
    shop.query<{ payment_id: string; outcome: string; refunded_at: Date | null; amount_cents: number }>(
      'gateway',
      'SELECT * FROM ledger',
    ),
  ]);

  for (const { product_id: productId, total, held, sold } of stock) {
    const unitsIn = (rows: { items: Line[] | null }[]) =>
      rows
        .flatMap(({ items }) => items ?? [])
        .reduce((sum, line) => sum + (line.productId === productId ? line.quantity : 0), 0);
    expect(held + sold).toBeLessThanOrEqual(total);
    expect({ held, sold, inOrders: sold }).toEqual({
      held: unitsIn(holds.filter(({ state }) => state === 'held')),
      sold: unitsIn(holds.filter(({ state }) => state === 'committed')),
      inOrders: unitsIn(orders.filter(({ status }) => status === 'confirmed')),
    });
  }

  const statusIn = new Map(reservations.map(({ id, status }) => [id, status]));
  for (const { reservation_id: id, state } of holds) {
    const expected = { held: ['held'], committed: ['completed'], released: ['released', 'rejected'] }[state];
    expect(expected).toContain(statusIn.get(id));
  }

  const sorted = (pairs: [string, string | null][]) => pairs.map((pair) => pair.join(' for ')).sort();
  const withStatus = <Row extends { status: string }>(rows: Row[], status: string) =>
    rows.filter((row) => row.status === status);
  // Every captured payment has bought exactly one order, and every confirmed order is paid.
  expect(sorted(withStatus(payments, 'captured').map((p) => [p.id, p.order_id]))).toEqual(
    sorted(withStatus(orders, 'confirmed').map((o) => [o.payment_id!, o.id])),
  );
  const money = new Map(ledger.map((entry) => [entry.payment_id, entry]));
  for (const { id, status, amount_cents: amountCents, order_id: orderId } of payments) {
    const entry = money.get(id);
    const told = entry && (entry.refunded_at ? 'refunded' : entry.outcome);
    expect([id, told]).toEqual([id, amountCents === null ? undefined : status]);
    if (entry) {
      expect(entry.amount_cents).toBe(amountCents);
      expect(amountCents).toBe(orders.find((order) => order.id === orderId)!.total_cents);
    }
  }
  expect(ledger.filter((entry) => !payments.some(({ id }) => id === entry.payment_id))).toEqual([]);
}

interface Line {
  productId: string;
  quantity: number;
}
