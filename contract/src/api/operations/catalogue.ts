import { z } from 'zod';
import type { Operation } from '../operation.ts';
import * as schemas from '../schemas.ts';
import { productLinks, productPageLinks } from './links.ts';
import { idInPath, ids, pageParameters } from './parameters.ts';

const sale = { saleStartsAt: '2030-01-01T10:00:00.000Z', saleEndsAt: '2030-01-01T11:00:00.000Z' };
const aProduct = {
  id: ids.product,
  name: 'Lamp',
  priceCents: 4999,
  currency: 'EUR',
  available: 100,
  limitPerUser: 2,
  listed: true,
};
const product = { ...aProduct, ...sale };

export const catalogueOperations: Operation[] = [
  {
    id: 'listProducts',
    method: 'get',
    path: '/api/products',
    tag: 'Catalogue',
    summary: 'List the products, oldest first',
    auth: 'anybody',
    parameters: pageParameters,
    answers: {
      200: {
        description: 'A page; `nextCursor` is null on the last one.',
        body: schemas.productPage,
        examples: { page: { items: [product], nextCursor: ids.product } },
        links: productPageLinks,
      },
    },
    problems: ['invalid-input'],
  },
  {
    id: 'readProduct',
    method: 'get',
    path: '/api/products/{id}',
    tag: 'Catalogue',
    summary: 'Read a product',
    description:
      '`available` is what may still be reserved, a moment old at most. It may rise again when reservations expire.',
    auth: 'anybody',
    parameters: [
      idInPath('product'),
      {
        in: 'header',
        name: 'If-None-Match',
        required: false,
        description: 'The `ETag` of the last answer, to get 304 if nothing has changed.',
        schema: z.string(),
      },
    ],
    answers: {
      200: {
        description: 'The product.',
        body: schemas.product,
        headers: ['ETag'],
        examples: { product },
        links: productLinks,
      },
      304: { description: 'As it was.', headers: ['ETag'] },
    },
    problems: ['not-found'],
  },
  {
    id: 'createProduct',
    method: 'post',
    path: '/api/products',
    tag: 'Catalogue',
    summary: 'Put a product on sale (admin)',
    description:
      'Without `limitPerUser` a shopper may buy any number; without `saleStartsAt` and `saleEndsAt` the sale is always ' +
      'running. With `listed: false` it stays out of the list; who has its id may see and buy it. Its currency is fixed for ' +
      'ever; the rest can be changed.',
    auth: 'admin',
    body: {
      schema: schemas.newProduct,
      required: true,
      examples: {
        'always on sale': { name: 'Lamp', priceCents: 4999, currency: 'EUR', stock: 100 },
        'flash sale': { name: 'Lamp', priceCents: 4999, currency: 'EUR', stock: 100, limitPerUser: 2, ...sale },
      },
    },
    answers: {
      201: {
        description: 'On sale.',
        body: schemas.product,
        headers: ['Location'],
        examples: { product },
        links: productLinks,
      },
    },
    problems: ['product-conflict'],
  },
  {
    id: 'changeProduct',
    method: 'patch',
    path: '/api/products/{id}',
    tag: 'Catalogue',
    summary: 'Correct a product (admin)',
    description:
      'What is not named stays as it is; null takes away a limit or an end of the sale. It counts from the next ' +
      'reservation on: those that are held keep their price. Once units have been held or sold, `limitPerUser` may only ' +
      'rise. Units are added by restocking.',
    auth: 'admin',
    parameters: [idInPath('product')],
    body: {
      schema: schemas.productChange,
      required: true,
      examples: { price: { priceCents: 3999 }, 'sale without end': { saleEndsAt: null } },
    },
    answers: { 200: { description: 'Changed.', body: schemas.product, examples: { product } } },
    problems: ['not-found', 'product-conflict'],
  },
  {
    id: 'restock',
    method: 'post',
    path: '/api/products/{id}/restock',
    tag: 'Catalogue',
    summary: 'Add units (admin)',
    auth: 'admin',
    parameters: [idInPath('product')],
    body: { schema: schemas.restock, required: true, examples: { fifty: { quantity: 50 } } },
    answers: {
      200: { description: 'Added.', body: schemas.restocked, examples: { restocked: { available: 150 } } },
    },
    problems: ['not-found', 'product-conflict'],
  },
];
