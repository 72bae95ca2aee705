import { databases, type DatabaseName } from '../../launcher/database-names.ts';
import { withClient, type DatabaseUrls } from '../../launcher/databases.ts';
import type { Secrets } from '../../launcher/secrets.ts';
import { setUpDatabases } from '../../launcher/set-up.ts';

const roles = Object.fromEntries(databases.map((name) => [name, { owner: 'owner', runtime: 'runtime' }]));
const secrets = { auditorPassword: 'auditor', roles } as Secrets;

/** `id('a1')`: ids that sort and read well. */
export const id = (tail: string): string => `00000000-0000-7000-8000-${tail.padStart(12, '0')}`;

export const products = { limited: id('a1'), free: id('a2') };
export const shoppers = { ann: id('b1'), bob: id('b2') };
/** Reservations, and with the prefix `e` their orders. */
export const reservations = {
  completed: id('c1'),
  held: id('c2'),
  refunded: id('c3'),
  rejected: id('c4'),
  cancelled: id('c5'),
  cancelledAfterRefusal: id('c6'),
};
export const orderOf = (reservationId: string): string => reservationId.replace(/c(.)$/, 'e$1');
export const payments = { captured: id('d1'), declined: id('d2'), refunded: id('d3'), neverAsked: id('d4') };

/** The databases of a stack on a server of its own, with the services' own schemas. */
export const provisionDatabases = (serverUrl: string): Promise<Record<DatabaseName, DatabaseUrls>> =>
  setUpDatabases(serverUrl, secrets);

export const run = (urls: Record<DatabaseName, DatabaseUrls>, database: DatabaseName, sql: string) =>
  withClient(urls[database].owner, (client) => client.query(sql));

/** Replaces everything by a small sale in which all is as it should be: one of each way that a checkout can end. */
export async function loadFixture(urls: Record<DatabaseName, DatabaseUrls>): Promise<void> {
  await Promise.all(databases.map((name) => run(urls, name, fixture[name] ?? 'TRUNCATE outbox')));
}

const { limited, free } = products;
const { ann, bob } = shoppers;
const units = (productId: string, quantity: number) => JSON.stringify([{ productId, quantity }]);
const priced = (productId: string, quantity: number) =>
  JSON.stringify([{ productId, quantity, name: 'A thing', unitPriceCents: 500 }]);
const r = reservations;

const fixture: Partial<Record<DatabaseName, string>> = {
  user: 'TRUNCATE outbox, account CASCADE',
  inventory: `
    TRUNCATE outbox, products, holds CASCADE;
    INSERT INTO products (id, name, price_cents, currency, limit_per_user)
    VALUES ('${limited}', 'Limited', 500, 'EUR', 2), ('${free}', 'Free', 500, 'EUR', NULL);
    INSERT INTO stock (product_id, total, held, sold, version)
    VALUES ('${limited}', 10, 1, 2, 7), ('${free}', 5, 0, 0, 1);
    INSERT INTO holds (reservation_id, order_id, user_id, state, items, expires_at)
    VALUES ('${r.completed}', '${orderOf(r.completed)}', '${ann}', 'committed', '${units(limited, 2)}', now()),
           ('${r.held}', '${orderOf(r.held)}', '${bob}', 'held', '${units(limited, 1)}', now()),
           ('${r.refunded}', '${orderOf(r.refunded)}', '${bob}', 'released', '${units(free, 3)}', now()),
           ('${r.cancelled}', '${orderOf(r.cancelled)}', '${bob}', 'released', '${units(limited, 2)}', now()),
           ('${r.cancelledAfterRefusal}', '${orderOf(r.cancelledAfterRefusal)}', '${bob}', 'released', '[]', now());
    INSERT INTO buyer_units VALUES ('${limited}', '${ann}', 2), ('${limited}', '${bob}', 1);`,
  reservation: `
    TRUNCATE outbox, reservations;
    INSERT INTO reservations (id, order_id, user_id, cart_id, idempotency_key, status, items, total_cents, currency)
    SELECT id::uuid, overlay(id placing 'e' from 35)::uuid, shopper::uuid, gen_random_uuid(), id, status, items::jsonb,
           cents, 'EUR'
      FROM (VALUES ('${r.completed}', '${ann}', 'completed', '${priced(limited, 2)}', 1000),
                   ('${r.held}', '${bob}', 'held', '${priced(limited, 1)}', 500),
                   ('${r.refunded}', '${bob}', 'released', '${priced(free, 3)}', 1500),
                   ('${r.rejected}', '${bob}', 'rejected', '${units(limited, 9)}', NULL),
                   ('${r.cancelled}', '${bob}', 'released', '${priced(limited, 2)}', 1000),
                   ('${r.cancelledAfterRefusal}', '${bob}', 'rejected', '${units(limited, 9)}', NULL)
           ) row (id, shopper, status, items, cents);`,
  order: `
    TRUNCATE outbox, orders;
    INSERT INTO orders (id, reservation_id, user_id, status, items, total_cents, currency, payment_id)
    SELECT overlay(id placing 'e' from 35)::uuid, id::uuid, shopper::uuid, status, items::jsonb, cents,
           CASE WHEN cents IS NOT NULL THEN 'EUR' END, payment::uuid
      FROM (VALUES ('${r.completed}', '${ann}', 'confirmed', '${priced(limited, 2)}', 1000, '${payments.captured}'),
                   ('${r.held}', '${bob}', 'awaiting-payment', '${priced(limited, 1)}', 500, NULL),
                   ('${r.refunded}', '${bob}', 'refunded', '${priced(free, 3)}', 1500, '${payments.refunded}'),
                   ('${r.cancelled}', '${bob}', 'cancelled', '${priced(limited, 2)}', 1000, NULL),
                   ('${r.cancelledAfterRefusal}', '${bob}', 'cancelled', NULL, NULL, NULL)
           ) row (id, shopper, status, items, cents, payment);`,
  payment: `
    TRUNCATE outbox, payments, payables;
    INSERT INTO payments (id, order_id, user_id, idempotency_key, method_token, status, amount_cents, currency)
    VALUES ('${payments.captured}', '${orderOf(r.completed)}', '${ann}', '1', 'tok_ok', 'captured', 1000, 'EUR'),
           ('${payments.declined}', '${orderOf(r.held)}', '${bob}', '2', 'tok_declined', 'declined', 500, 'EUR'),
           ('${payments.refunded}', '${orderOf(r.refunded)}', '${bob}', '3', 'tok_ok', 'refunded', 1500, 'EUR'),
           ('${payments.neverAsked}', '${orderOf(r.rejected)}', '${bob}', '4', 'tok_ok', 'declined', NULL, NULL);`,
  gateway: `
    TRUNCATE ledger;
    INSERT INTO ledger (payment_id, order_id, amount_cents, currency, outcome, refunded_at)
    VALUES ('${payments.captured}', '${orderOf(r.completed)}', 1000, 'EUR', 'captured', NULL),
           ('${payments.declined}', '${orderOf(r.held)}', 500, 'EUR', 'declined', NULL),
           ('${payments.refunded}', '${orderOf(r.refunded)}', 1500, 'EUR', 'captured', now());`,
};
