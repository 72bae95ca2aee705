import { describe, expect, test } from '@jest/globals';
import { AppError, errorTable, type ErrorCode } from '@flash-sale/contract/errors.ts';
import { problemOf } from './problem.ts';

const codes = Object.keys(errorTable) as ErrorCode[];

describe('errors', () => {
  test.each(codes)('%s has a status that fits its level', (code) => {
    const { status, level, title } = errorTable[code];
    expect(status).toBeGreaterThanOrEqual(400);
    expect(level).toBe(status < 500 ? 'info' : status === 503 ? 'warn' : 'error');
    expect(title).not.toBe('');
  });

  test.each([
    ['sold-out', 409],
    ['limit-exceeded', 409],
    ['sale-closed', 409],
    ['cart-empty', 409],
    ['email-taken', 409],
    ['order-not-payable', 409],
    ['already-paid', 409],
    ['payment-declined', 402],
    ['idempotency-key-required', 400],
    ['malformed-json', 400],
    ['idempotency-key-reused', 422],
    ['invalid-input', 422],
    ['payload-too-large', 413],
  ] as const)('%s is answered with %i, as the API promises', (code, status) => {
    expect(errorTable[code].status).toBe(status);
  });

  test('those that pass by themselves say when to come again, the others do not', () => {
    for (const code of codes) {
      expect(new AppError(code, 'x').retryAfterSeconds).toBe(errorTable[code].status === 503 ? 1 : undefined);
    }
    expect(new AppError('too-many-requests', 'x', { retryAfterSeconds: 7 }).retryAfterSeconds).toBe(7);
  });
});

describe('problemOf', () => {
  test('tells what a client needs, and nothing of the cause', () => {
    const error = new AppError('unavailable', 'Try again shortly.', { cause: new Error('password of the database') });
    expect(problemOf(error)).toEqual({
      type: '/problems/unavailable',
      title: 'Temporarily unavailable',
      status: 503,
      detail: 'Try again shortly.',
    });
  });

  test('names the fields at fault', () => {
    const errors = [{ path: 'stock', message: 'too small' }];
    expect(problemOf(new AppError('invalid-input', 'x', { errors }))).toMatchObject({ status: 422, errors });
  });
});
