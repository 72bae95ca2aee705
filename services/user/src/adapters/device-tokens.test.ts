import { describe, expect, jest, test } from '@jest/globals';
import type { Account } from './accounts.ts';
import { DeviceTokens } from './device-tokens.ts';

const anAccount = (changes: Partial<Account> = {}): Account => ({
  id: 'a1',
  email: 'a@example.com',
  passwordHash: 'h1',
  role: 'shopper',
  credentialsVersion: 0,
  ...changes,
});
const tokens = new DeviceTokens('a secret', 60);

describe('a device token', () => {
  test('names its device, and the same one when it is issued again', () => {
    const device = tokens.deviceOf(tokens.issue(anAccount()), anAccount());
    expect(device).toMatch(/^[\w-]{22}$/);
    expect(tokens.deviceOf(tokens.issue(anAccount(), device), anAccount())).toBe(device);
    expect(tokens.deviceOf(tokens.issue(anAccount()), anAccount())).not.toBe(device);
  });

  const token = tokens.issue(anAccount());
  const [device, expiresAt, mac] = token.split('.') as [string, string, string];
  test.each<[string, string | undefined, Account | undefined]>([
    ['none', undefined, anAccount()],
    ['nonsense', 'nonsense', anAccount()],
    ['for nobody', token, undefined],
    ['of another account', token, anAccount({ id: 'a2' })],
    ['from before a new password', token, anAccount({ passwordHash: 'h2' })],
    ['of another installation', new DeviceTokens('another secret', 60).issue(anAccount()), anAccount()],
    ['made to live longer', `${device}.${Number(expiresAt) + 1}.${mac}`, anAccount()],
    ['of another device', `${'A'.repeat(22)}.${expiresAt}.${mac}`, anAccount()],
    ['that has expired', new DeviceTokens('a secret', -1).issue(anAccount()), anAccount()],
  ])('is worth nothing: %s', (_what, given, account) => {
    expect(tokens.deviceOf(given, account)).toBeUndefined();
  });

  test('lives as long as it is said to', () => {
    const nowMs = Date.now();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(nowMs);
    try {
      const fresh = tokens.issue(anAccount());
      clock.mockReturnValue(nowMs + 58_000);
      expect(tokens.deviceOf(fresh, anAccount())).toBeDefined();
      clock.mockReturnValue(nowMs + 60_000);
      expect(tokens.deviceOf(fresh, anAccount())).toBeUndefined();
    } finally {
      clock.mockRestore();
    }
  });
});
