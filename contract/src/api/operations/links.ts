import type { Link } from '../operation.ts';

/** Where an answer leads: what a client, or a tool that explores the API, can call next with what it has just been given. */

const body = (pointer: string) => `$response.body#/${pointer}`;

const byId = (operationId: string, description: string, id = body('id')): Link => ({
  operationId,
  description,
  parameters: { id },
});

const withBody = (operationId: string, description: string, requestBody: Record<string, unknown>): Link => ({
  operationId,
  description,
  requestBody,
});

const nextPage = (operationId: string): Link => ({
  operationId,
  description: 'The next page, unless `nextCursor` is null.',
  parameters: { cursor: body('nextCursor') },
});

export const registeredLinks = {
  logIn: withBody('logIn', 'Log in with the same password.', {
    email: body('email'),
    password: '$request.body#/password',
  }),
};
export const sessionLinks = {
  refresh: withBody('refresh', 'Get the next tokens, once.', { refreshToken: body('refreshToken') }),
};
export const sessionListLinks = {
  endFirst: byId('endSession', 'End the newest.', body('items/0/id')),
};

export const productPageLinks = {
  nextPage: nextPage('listProducts'),
  firstProduct: byId('readProduct', 'The first product of the page.', body('items/0/id')),
};
export const productLinks = {
  read: byId('readProduct', 'The product, with what is left of it.'),
  change: byId('changeProduct', 'Correct it (admin).'),
  restock: byId('restock', 'Add units (admin).'),
};

export const cartLinks = {
  read: byId('readCart', 'The cart.'),
  add: byId('addToCart', 'Add units of a product.'),
  reserve: withBody('reserve', 'Reserve all of it.', { cartId: body('id') }),
};
export const filledCartLinks = {
  ...cartLinks,
  removeFirst: {
    operationId: 'removeFromCart',
    description: 'Remove its first product.',
    parameters: { id: body('id'), productId: body('items/0/productId') },
  },
};

export const reservationLinks = {
  read: byId('readReservation', 'What has become of it.'),
  cancel: byId('cancelReservation', 'Give the units back.'),
  order: byId('readOrder', 'The order that belongs to it.', body('orderId')),
  pay: withBody('pay', 'Pay the order.', { orderId: body('orderId'), method: { token: 'tok_ok' } }),
};

export const orderPageLinks = {
  nextPage: nextPage('listOrders'),
  firstOrder: byId('readOrder', 'The first order of the page.', body('items/0/id')),
};
export const orderLinks = {
  reservation: byId('readReservation', 'The reservation it came with.', body('reservationId')),
};

export const paymentLinks = {
  read: byId('readPayment', 'What has become of it.'),
  order: byId('readOrder', 'The order that it pays.', body('orderId')),
};
