import { Router, type Request } from 'express';
import { z } from 'zod';
import { principalOf, requireUser } from '@flash-sale/shared/auth.ts';
import * as contract from '@flash-sale/contract/api/schemas.ts';
import { bodyOf, idOf, notFound, parse } from '@flash-sale/shared/http/validate.ts';
import { newId } from '@flash-sale/shared/ids.ts';
import type { AccessTokens } from '@flash-sale/shared/auth.ts';
import type { Logger } from '@flash-sale/shared/log.ts';
import type { Catalogue } from './adapters/catalogue.ts';
import { levelOf, type StockPublisher } from './adapters/stock-publisher.ts';
import type { InventoryLane } from './adapters/unit-of-work.ts';
import type { Product, ProductChange } from './domain/state.ts';
import { conflict } from './problems.ts';

/** The public catalogue, and its administration. */
export function routes(options: {
  lane: InventoryLane;
  catalogue: Catalogue;
  publisher: StockPublisher;
  tokens: AccessTokens;
  log: Logger;
}): Router {
  const { lane, catalogue, publisher, tokens, log } = options;
  const router = Router();
  const admin = requireUser(tokens, 'admin');

  router.get('/api/products', async (request, response) => {
    const { limit, cursor } = parse(contract.pageQuery, request.query);
    const { products, nextCursor } = await catalogue.page(limit, cursor);
    const items = await Promise.all(
      products.map(async (product) => bodyOfProduct(product, await catalogue.level(product.id))),
    );
    response.set('Cache-Control', 'no-cache').json({ items, nextCursor });
  });

  router.get('/api/products/:id', async (request, response) => {
    const id = idOf(request, 'product');
    const level = await catalogue.level(id);
    const product = level && (await catalogue.product(id, level.revision));
    if (!product) throw notFound('product');
    // Changing the product also changes its stock row, so the level's version covers both.
    const etag = `"${level.version}"`;
    response.set({ ETag: etag, 'Cache-Control': 'no-cache' });
    if (isKnown(request, etag)) response.status(304).end();
    else response.json(bodyOfProduct(product, level));
  });

  router.post('/api/products', admin, async (request, response) => {
    const body = bodyOf(request, contract.newProduct);
    const product: Product = {
      id: newId(),
      name: body.name,
      priceCents: body.priceCents,
      currency: body.currency,
      limitPerUser: body.limitPerUser ?? null,
      saleStartsAt: timeOf(body.saleStartsAt),
      saleEndsAt: timeOf(body.saleEndsAt),
      listed: body.listed ?? true,
    };
    const { result } = await lane.run('createProduct', { product, units: body.stock });
    if ('refusal' in result) throw conflict(result.refusal);
    // A client that learns of the product from this answer must find it on every instance.
    await publisher.publish([{ productId: product.id, available: body.stock, version: 1, revision: 1 }]);
    log.info({ productId: product.id, units: body.stock, by: principalOf(request).userId }, 'product created');
    response
      .status(201)
      .location(`/api/products/${product.id}`)
      .json(bodyOfProduct(product, { available: body.stock }));
  });

  router.patch('/api/products/:id', admin, async (request, response) => {
    const productId = idOf(request, 'product');
    const body = bodyOf(request, contract.productChange);
    const { result } = await lane.run('changeProduct', { productId, change: changeOf(body) });
    if ('stock' in result) {
      const level = levelOf(result.stock);
      await publisher.publish([level]);
      log.info({ productId, change: body, by: principalOf(request).userId }, 'product changed');
      response.json(bodyOfProduct(result.stock.product, level));
      return;
    }
    if (result.refusal === 'product-not-found') throw notFound('product');
    throw conflict(result.refusal);
  });

  router.post('/api/products/:id/restock', admin, async (request, response) => {
    const productId = idOf(request, 'product');
    const { quantity } = bodyOf(request, contract.restock);
    const { result } = await lane.run('restock', { productId, units: quantity });
    if ('available' in result) {
      log.info({ productId, units: quantity, by: principalOf(request).userId }, 'product restocked');
      response.json({ available: result.available });
      return;
    }
    if (result.refusal === 'product-not-found') throw notFound('product');
    throw conflict(result.refusal);
  });

  return router;
}

const knownQuestion = z.strictObject({ ids: z.array(z.uuid()).max(256) });

/** For other services: which of the given products exist. */
export function internalRoutes(catalogue: Catalogue): Router {
  const router = Router();
  router.post('/products/known', async (request, response) => {
    const { ids } = parse(knownQuestion, request.body);
    response.json({ known: await catalogue.existing(ids) });
  });
  return router;
}

/** Null removes a time. */
const timeOf = (text: string | null | undefined): Date | null => (text ? new Date(text) : null);

function changeOf({ saleStartsAt, saleEndsAt, ...rest }: z.output<typeof contract.productChange>): ProductChange {
  return {
    ...rest,
    ...(saleStartsAt === undefined ? {} : { saleStartsAt: timeOf(saleStartsAt) }),
    ...(saleEndsAt === undefined ? {} : { saleEndsAt: timeOf(saleEndsAt) }),
  };
}

function isKnown(request: Request, etag: string): boolean {
  const known = request.get('if-none-match');
  return known !== undefined && known.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}

const bodyOfProduct = (product: Product, level: { available: number } | undefined) => ({
  ...product,
  available: level?.available ?? 0,
});
