import { describe, expect, test } from '@jest/globals';
import { AddressSet, addressSet, clientOf, networkOf, plainAddress } from './rate-limit.ts';

describe('addresses', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::FFFF:7f00:1', '127.0.0.1'],
    ['0:0:0:0:0:ffff:127.0.0.1', '127.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['not an address', 'not an address'],
    [undefined, ''],
  ])('%s reads %s', (given, plain) => {
    expect(plainAddress(given)).toBe(plain);
  });

  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:aaaa::1', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:1:2:3', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s is the client %s', (given, client) => {
    expect(clientOf(given)).toBe(client);
  });

  test.each([
    ['203.0.113.7', undefined],
    ['::ffff:203.0.113.7', undefined],
    ['not an address', undefined],
    [undefined, undefined],
    ['2001:db8:1:2:aaaa::1', '2001:db8:1::/48'],
    ['2001:DB8:1:ffff::1%eth0', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8:0::/48'],
    ['2001:db8:0:1::1', '2001:db8:0::/48'],
    ['2001::1', '2001:0:0::/48'],
    ['::1', '0:0:0::/48'],
  ])('%s is in the network %s', (given, network) => {
    expect(networkOf(given)).toBe(network);
  });
});

describe('an address set', () => {
  const set = new AddressSet(['127.0.0.0/8', '::1', '2001:db8::/32', '192.0.2.5']);

  test.each(['127.0.0.1', '127.9.9.9', '::ffff:127.0.0.1', '::ffff:7f00:1', '::1', '2001:db8:ffff::1', '192.0.2.5'])(
    'has %s',
    (address) => {
      expect(set.has(address)).toBe(true);
    },
  );

  test.each(['128.0.0.1', '::ffff:128.0.0.1', '::2', '2001:db9::1', '192.0.2.6', '127.0.0.1, 9.9.9.9', '', undefined])(
    'has not %s',
    (address) => {
      expect(set.has(address)).toBe(false);
    },
  );

  test('is empty by default', () => {
    expect(addressSet.parse(undefined).has('127.0.0.1')).toBe(false);
  });

  test.each(['localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::1/129', '10.0.0.0/-1'])(
    'refuses %s',
    (entry) => {
      const parsed = addressSet.safeParse(`127.0.0.1,${entry}`);
      expect(parsed.success).toBe(false);
      expect(parsed.error?.issues[0]?.message).toContain(entry);
    },
  );
});
