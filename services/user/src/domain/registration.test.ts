import { expect, test } from '@jest/globals';
import { nothing, refuse } from '@flash-sale/shared/messaging/decision.ts';
import { register } from './registration.ts';
import { UserState, type NewAccount } from './state.ts';

const anAccount = (id: string, email: string): NewAccount => ({
  id,
  email,
  passwordHash: '',
  name: null,
  role: 'shopper',
});

test('an address is taken by the first who asks, within one batch too', () => {
  const state = new UserState({ takenEmails: ['old@example.com'] });
  const results = [
    anAccount('1', 'old@example.com'),
    anAccount('2', 'new@example.com'),
    anAccount('3', 'new@example.com'),
  ].map((account) => register(account, state));
  expect(results).toEqual([refuse('email-taken'), nothing, refuse('email-taken')]);
  expect(state.newAccounts).toEqual([anAccount('2', 'new@example.com')]);
});
