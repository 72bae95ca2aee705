import type { Operation } from '../operation.ts';
import * as schemas from '../schemas.ts';
import { cartLinks, filledCartLinks } from './links.ts';
import { idInPath, ids } from './parameters.ts';

const line = { productId: ids.product, quantity: 1 };
const cart = { id: ids.cart, items: [line] };
const shownCart = {
  description: 'The cart as it is now.',
  body: schemas.cart,
  examples: { cart },
  links: filledCartLinks,
};

export const cartOperations: Operation[] = [
  {
    id: 'createCart',
    method: 'post',
    path: '/api/carts',
    tag: 'Carts',
    summary: 'Start a cart',
    description:
      'A cart holds nothing back: units are held by a reservation. One that is not reserved is removed after some days.',
    auth: 'user',
    body: { schema: schemas.empty, required: false, examples: { empty: {} } },
    answers: {
      201: {
        description: 'An empty cart.',
        body: schemas.cart,
        headers: ['Location'],
        examples: { cart: { ...cart, items: [] } },
        links: cartLinks,
      },
    },
    problems: ['too-many-requests'],
  },
  {
    id: 'readCart',
    method: 'get',
    path: '/api/carts/{id}',
    tag: 'Carts',
    summary: 'Read a cart',
    auth: 'user',
    parameters: [idInPath('cart')],
    answers: { 200: shownCart },
    problems: ['not-found'],
  },
  {
    id: 'addToCart',
    method: 'post',
    path: '/api/carts/{id}/items',
    tag: 'Carts',
    summary: 'Add units of a product',
    description:
      'A product that is in the cart already gets more units. A cart may hold 20 products and 1,000 units of each. Once ' +
      'reserved it cannot be changed, until its reservation is rejected or released.',
    auth: 'user',
    parameters: [idInPath('cart')],
    body: { schema: schemas.cartItem, required: true, examples: { one: line } },
    answers: { 200: shownCart },
    problems: ['not-found', 'cart-reserved', 'cart-full', 'too-many-requests'],
  },
  {
    id: 'removeFromCart',
    method: 'delete',
    path: '/api/carts/{id}/items/{productId}',
    tag: 'Carts',
    summary: 'Remove a product',
    auth: 'user',
    parameters: [idInPath('cart'), idInPath('product', 'productId')],
    answers: { 200: { ...shownCart, examples: { cart: { ...cart, items: [] } }, links: cartLinks } },
    problems: ['not-found', 'cart-reserved', 'too-many-requests'],
  },
];
