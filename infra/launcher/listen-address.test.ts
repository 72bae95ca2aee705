import { describe, expect, test } from '@jest/globals';
import { listenAddress, UnusableHost } from './listen-address.ts';

describe('listenAddress', () => {
  test.each([
    ['127.0.0.1', ['127.0.0.1'], '127.0.0.1'],
    ['0.0.0.0', ['0.0.0.0'], '127.0.0.1'],
    ['::', ['0.0.0.0', '[::]'], '127.0.0.1'],
    ['0:0:0:0:0:0:0:0', ['0.0.0.0', '[::]'], '127.0.0.1'],
    ['::1', ['[::1]'], '[::1]'],
    ['2001:DB8::0:7', ['[2001:db8::7]'], '[2001:db8::7]'],
    ['::ffff:127.0.0.1', ['127.0.0.1'], '127.0.0.1'],
    ['::ffff:0.0.0.0', ['0.0.0.0'], '127.0.0.1'],
    ['localhost', ['localhost'], 'localhost'],
    ['Shop-1.example', ['Shop-1.example'], 'shop-1.example'],
  ])('%s', (host, addresses, reachable) => {
    expect(listenAddress(host)).toEqual({ addresses, reachable });
  });

  test.each([
    '',
    ' ',
    '*',
    '256.0.0.1',
    '1',
    '127.1',
    '0x7f.0.0.1',
    ':::',
    '[::1]',
    'fe80::1%eth0',
    '-x',
    'x-',
    'a..b',
    '127.0.0.1:80',
    'a;b',
    'a b',
    'a\nb',
  ])('refuses %j', (host) => expect(() => listenAddress(host)).toThrow(UnusableHost));
});
