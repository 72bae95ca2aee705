import { describe, expect, test } from '@jest/globals';
import { AppError, type ErrorCode } from '@flash-sale/contract/errors.ts';
import { problemOf } from '../http/problem.ts';
import { ids } from '@flash-sale/contract/api/operations/parameters.ts';
import { checkAnswer, ContractBroken, templateOf } from './contract-check.ts';

const json = { 'content-type': 'application/json; charset=utf-8' };
const problemJson = { 'content-type': 'application/problem+json; charset=utf-8' };
const located = { ...json, location: '/api/carts/1' };
const cart = { id: ids.cart, items: [{ productId: ids.product, quantity: 1 }] };
const problem = (code: ErrorCode) => problemOf(new AppError(code, 'because'));
const check = (method: string, path: string, status: number, headers: Record<string, string>, body?: unknown) => () =>
  checkAnswer(method, path, status, new Headers(headers), body);

describe('an answer as documented passes', () => {
  test.each([
    ['with a body', check('GET', '/api/carts/{id}', 200, json, cart)],
    ['with a header', check('post', '/api/carts', 201, located, cart)],
    ['without a body', check('GET', '/api/products/{id}', 304, { etag: '"1"' })],
    ['a problem of its own', check('POST', '/api/reservations', 409, problemJson, problem('sold-out'))],
    [
      'a problem that anybody may meet',
      check('GET', '/api/products', 503, { ...problemJson, 'retry-after': '1' }, problem('overloaded')),
    ],
    [
      'a health report of a platform that is not well',
      check('GET', '/readyz', 503, { ...json, 'retry-after': '1' }, { status: 'degraded', services: {} }),
    ],
    [
      'a problem where there might have been a health report',
      check('GET', '/readyz', 503, { ...problemJson, 'retry-after': '1' }, problem('unavailable')),
    ],
  ])('%s', (_what, run) => {
    expect(run).not.toThrow();
  });
});

describe('another answer is refused', () => {
  const unauthenticated = problem('unauthenticated');
  test.each([
    ['unknown operation', check('GET', '/api/cart', 200, json, cart), /does not know this operation/],
    ['unknown method', check('DELETE', '/api/carts/{id}', 200, json, cart), /does not know this operation/],
    ['unknown status', check('GET', '/api/carts/{id}', 418, json, cart), /does not know this status/],
    ['a status of another operation', check('GET', '/api/carts/{id}', 201, json, cart), /does not know this status/],
    ['an unknown field', check('GET', '/api/carts/{id}', 200, json, { ...cart, secret: 1 }), /secret/],
    ['an unknown field within', check('GET', '/api/carts/{id}', 200, json, { ...cart, items: [{ x: 1 }] }), /x/],
    ['a missing field', check('GET', '/api/carts/{id}', 200, json, { id: ids.cart }), /items/],
    ['a missing body', check('GET', '/api/carts/{id}', 200, json), /expected object/],
    ['a body too many', check('GET', '/api/products/{id}', 304, { etag: '"1"' }, {}), /with a body/],
    ['a missing header', check('POST', '/api/carts', 201, json, cart), /Location/],
    ['a missing Retry-After', check('GET', '/api/carts/{id}', 503, problemJson, problem('unavailable')), /Retry-After/],
    ['a missing WWW-Authenticate', check('GET', '/api/carts/{id}', 401, problemJson, unauthenticated), /WWW-/],
    ['another media type', check('GET', '/api/carts/{id}', 200, { 'content-type': 'text/html' }, cart), /text\/html/],
    [
      'a problem as plain JSON',
      check('GET', '/api/carts/{id}', 404, json, problem('not-found')),
      /as application\/json/,
    ],
    ['a problem of elsewhere', check('POST', '/api/carts', 409, problemJson, problem('sold-out')), /know this status/],
    ['a problem unknown here', check('POST', '/api/payments', 409, problemJson, problem('sold-out')), /sold-out/],
    [
      'another status within',
      check('GET', '/api/carts/{id}', 404, problemJson, { ...problem('not-found'), status: 400 }),
      /of status 400/,
    ],
    [
      'an unknown field in a problem',
      check('GET', '/api/carts/{id}', 404, problemJson, { ...problem('not-found'), stack: '' }),
      /stack/,
    ],
  ])('%s', (_what, run, message) => {
    expect(run).toThrow(ContractBroken);
    expect(run).toThrow(message);
  });
});

test.each([
  ['GET', '/api/users/me', '/api/users/me'],
  ['get', '/api/products/1?x=/', '/api/products/{id}'],
  ['GET', '/api/products?limit=1', '/api/products'],
  ['DELETE', '/api/carts/1/items/2', '/api/carts/{id}/items/{productId}'],
  ['PUT', '/api/carts/1', undefined],
  ['GET', '/api/nothing/1', undefined],
])('%s %s is %s', (method, path, template) => {
  expect(templateOf(method, path)).toBe(template);
});
