/**
 * What the limit does to its database: one statement for each step, which takes a whole batch as arrays, one array a column, and is
 * one transaction. Ids are numbers, and what a shopper asked for is not looked at twice: the least that can be exact.
 */
export const schema = `
  CREATE TABLE products (
    id bigint PRIMARY KEY, price_cents integer NOT NULL, currency text NOT NULL,
    total bigint NOT NULL, held bigint NOT NULL DEFAULT 0, sold bigint NOT NULL DEFAULT 0,
    CHECK (held >= 0 AND sold >= 0 AND held + sold <= total)
  );
  CREATE TABLE carts (id bigint PRIMARY KEY);
  CREATE TABLE cart_lines (cart_id bigint PRIMARY KEY, product_id bigint NOT NULL, quantity integer NOT NULL);
  CREATE TABLE orders (id bigint PRIMARY KEY, product_id bigint NOT NULL, quantity integer NOT NULL, total_cents integer NOT NULL);
  CREATE TABLE payments (order_id bigint PRIMARY KEY, id bigint NOT NULL);`;

export interface Statement {
  /** PostgreSQL keeps its plan by this name. */
  name: string;
  /** Its rows say in their column `id` which item of the batch they answer. */
  text: string;
}

export const createProducts: Statement = {
  name: 'create-products',
  text: `INSERT INTO products (id, price_cents, currency, total)
         SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[]) RETURNING id`,
};

export const readProducts: Statement = {
  name: 'read-products',
  text: `SELECT id, price_cents, currency, total - held - sold AS available FROM products WHERE id = ANY($1::bigint[])`,
};

export const createCarts: Statement = {
  name: 'create-carts',
  text: `INSERT INTO carts (id) SELECT unnest($1::bigint[]) RETURNING id`,
};

export const addItems: Statement = {
  name: 'add-items',
  text: `INSERT INTO cart_lines (cart_id, product_id, quantity)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[]) RETURNING cart_id AS id`,
};

/**
 * The row of each product is locked once, in the order of ids, and then gives out its units in the order of the batch. Who does
 * not get any is not among the rows.
 */
export const reserve: Statement = {
  name: 'reserve',
  text: `WITH asked AS (
           SELECT o.id, o.place, l.product_id, l.quantity
             FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS o (id, cart_id, place) JOIN cart_lines l USING (cart_id)
         ), stock AS (
           SELECT id, price_cents, currency, total - held - sold AS available FROM products
            WHERE id IN (SELECT product_id FROM asked) ORDER BY id FOR UPDATE
         ), held AS (
           SELECT * FROM (
             SELECT asked.*, asked.quantity * stock.price_cents AS total_cents, stock.currency,
                    stock.available - sum(asked.quantity) OVER (PARTITION BY product_id ORDER BY place) AS available
               FROM asked JOIN stock ON stock.id = product_id
           ) AS in_turn WHERE available >= 0
         ), taken AS (
           UPDATE products SET held = products.held + units
             FROM (SELECT product_id, sum(quantity) AS units FROM held GROUP BY product_id) AS of_product WHERE id = product_id
         ), opened AS (
           INSERT INTO orders (id, product_id, quantity, total_cents) SELECT id, product_id, quantity, total_cents FROM held
         )
         SELECT id, product_id, total_cents, currency, available FROM held`,
};

/** An order that is paid already is not among the rows, whoever paid it. */
export const pay: Statement = {
  name: 'pay',
  text: `WITH paid AS (
           INSERT INTO payments (order_id, id)
           SELECT o.id, p.id FROM unnest($1::bigint[], $2::bigint[]) AS p (id, order_id) JOIN orders o ON o.id = p.order_id
            ORDER BY o.id ON CONFLICT DO NOTHING RETURNING order_id, id
         ), bought AS (
           SELECT paid.id, o.id AS order_id, o.product_id, o.quantity, o.total_cents FROM paid JOIN orders o ON o.id = paid.order_id
         ), stock AS (
           SELECT id, currency FROM products WHERE id IN (SELECT product_id FROM bought) ORDER BY id FOR UPDATE
         ), sold AS (
           UPDATE products SET held = held - units, sold = sold + units
             FROM (SELECT product_id, sum(quantity) AS units FROM bought GROUP BY product_id) AS of_product
             JOIN stock ON stock.id = product_id WHERE products.id = product_id
         )
         SELECT bought.id, order_id, total_cents, currency FROM bought JOIN stock ON stock.id = product_id`,
};
