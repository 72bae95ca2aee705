/**
 * The limit: the six steps of checkout.ts, and nothing else that a shop needs. node server.ts <port> <instance>, with DATABASE_URL.
 * No hops, no outbox, no log-in, no validation: a request that is not of those steps gets whatever comes of it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as statements from './statements.ts';
import { groupCommit, type Row } from './group-commit.ts';

const [port, instance] = process.argv.slice(2).map(Number) as [number, number];
const commit = (statement: statements.Statement) => groupCommit(process.env.DATABASE_URL ?? '', statement);
const [createProduct, readProduct, createCart, addItem, reserve, pay] = (await Promise.all(
  [
    statements.createProducts,
    statements.readProducts,
    statements.createCarts,
    statements.addItems,
    statements.reserve,
    statements.pay,
  ].map(commit),
)) as [Commit, Commit, Commit, Commit, Commit, Commit];
type Commit = Awaited<ReturnType<typeof commit>>;

/** Each instance has every tenth number: nobody else makes the same. */
let ids = instance;
const newId = () => String((ids += 10));

/** Of the products as this process last saw them: a catalogue may be a moment old, stock is decided by the database alone. */
const products = new Map<string, Row>();

interface Body {
  productId: string;
  quantity: number;
  cartId: string;
  orderId: string;
  priceCents: number;
  currency: string;
  stock: number;
}
type Answer = [status: number, body: unknown];

const session: Answer = [201, { accessToken: 'everybody', refreshToken: 'everybody', expiresIn: 3_600 }];
const notFound: Answer = [404, { type: '/problems/not-found' }];
const soldOut: Answer = [409, { type: '/problems/sold-out' }];
const alreadyPaid: Answer = [409, { type: '/problems/already-paid' }];

const posts: Record<string, (body: Body, id: string) => Answer | Promise<Answer>> = {
  sessions: () => session,
  products: async ({ priceCents, currency, stock }) => {
    const id = newId();
    await createProduct(id, priceCents, currency, stock);
    return [201, { id, priceCents, currency, available: stock }];
  },
  carts: async () => {
    const id = newId();
    await createCart(id);
    return [201, { id, items: [] }];
  },
  items: async ({ productId, quantity }, cartId) => {
    await addItem(cartId, productId, quantity);
    return [200, { id: cartId, items: [{ productId, quantity }] }];
  },
  reservations: async ({ cartId }) => {
    const id = newId();
    const held = await reserve(id, cartId);
    if (!held) return soldOut;
    const product = products.get(String(held['product_id']));
    if (product) product['available'] = held['available'] ?? 0;
    const expiresAt = new Date(Date.now() + 120_000).toISOString();
    const totalCents = Number(held['total_cents']);
    return [201, { id, orderId: id, status: 'held', totalCents, currency: held['currency'], expiresAt }];
  },
  payments: async ({ orderId }) => {
    const id = newId();
    const paid = await pay(id, orderId);
    if (!paid) return alreadyPaid;
    return [
      201,
      { id, orderId, status: 'captured', amountCents: Number(paid['total_cents']), currency: paid['currency'] },
    ];
  },
};

async function productOf(id: string): Promise<Answer> {
  let product = products.get(id);
  if (!product) {
    product = await readProduct(id);
    if (!product) return notFound;
    products.set(id, product);
  }
  const { currency, price_cents: priceCents, available } = product;
  return [200, { id, priceCents: Number(priceCents), currency, available: Number(available) }];
}

/** `/api/carts/7/items` is what is done to `items`, of 7; `/api/carts` to `carts`. */
function answerTo({ method, url = '' }: IncomingMessage, text: string): Answer | Promise<Answer> {
  const [, , collection = '', id = '', part] = url.split('/');
  if (method === 'GET') return collection === 'products' ? productOf(id) : notFound;
  const post = posts[part ?? collection];
  return post ? post(JSON.parse(text || '{}') as Body, id) : notFound;
}

async function respond(request: IncomingMessage, response: ServerResponse, text: string): Promise<void> {
  let answer: Answer;
  try {
    answer = await answerTo(request, text);
  } catch (error) {
    answer = [500, { type: '/problems/internal-error', detail: String(error) }];
  }
  const body = JSON.stringify(answer[1]);
  response.writeHead(answer[0], { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (text += chunk));
  request.on('end', () => void respond(request, response, text));
});
server.keepAliveTimeout = 75_000; // above nginx's 60 s, as in the services
server.listen(port, '127.0.0.1');
