import { expect, test } from '@jest/globals';
import { register, type NewAccount } from './registration.ts';

const anAccount = (id: string, email: string): NewAccount => ({
  id,
  email,
  passwordHash: '',
  name: null,
  role: 'shopper',
});

test('an address is taken by the first who asks, within one batch too', () => {
  const taken = new Set(['old@example.com']);
  const outcomes = [
    anAccount('1', 'old@example.com'),
    anAccount('2', 'new@example.com'),
    anAccount('3', 'new@example.com'),
  ].map((account) => register(account, taken).outcome);
  expect(outcomes).toEqual(['email-taken', 'registered', 'email-taken']);
});
