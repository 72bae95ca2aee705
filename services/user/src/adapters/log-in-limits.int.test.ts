import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AddressSet } from '@flash-sale/shared/http/rate-limit.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { connectPatiently } from '@flash-sale/shared/testing/redis.ts';
import { testConfig } from '@flash-sale/shared/testing/service.ts';
import type { Redis } from 'ioredis';
import { createTestRedis, type TestRedis } from '../../../../infra/testing/redis.ts';
import { configSchema } from '../config.ts';
import { Limits } from './log-in-limits.ts';
import { PasswordQueue } from './password-queue.ts';

let server: TestRedis;
let redis: Redis;
let limits: Limits;

beforeAll(async () => {
  server = await createTestRedis();
  redis = connectPatiently(server.url);
  await eventually(() => expect(redis.status).toBe('ready'));
  const config = testConfig(configSchema);
  limits = new Limits({
    redis,
    exempt: new AddressSet([]),
    logInsPerAddress: config.LOGIN_LIMIT_PER_ADDRESS,
    failuresPerAccountAndAddress: config.LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS,
    failuresPerAccount: config.LOGIN_FAILURES_PER_ACCOUNT,
    triesPerNewAddress: config.LOGIN_TRIES_PER_NEW_ADDRESS,
    registrationsPerAddress: config.REGISTRATION_LIMIT_PER_ADDRESS,
    addressesPerNetwork: config.ADDRESSES_PER_NETWORK,
  });
});
afterAll(async () => {
  redis?.disconnect();
  await server?.close();
});

const anAddress = (index: number) => `203.0.${Math.floor(index / 250)}.${1 + (index % 250)}`;
/** As if a minute had passed, after which an address may guess again. */
const aMinutePasses = async () => {
  const keys = await redis.keys('limit:log-in:account-address:*');
  if (keys.length > 0) await redis.del(keys);
};

test('twelve addresses guess a hundred times an hour and no more, and still nobody is locked out', async () => {
  const email = 'owner@example.com';
  const right = () => Promise.resolve(true);
  expect(await limits.guess({ address: anAddress(100), email }, right)).toBe(true);
  let guesses = 0;
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(
      Array.from({ length: 12 * 12 }, async (_, index) => {
        const wrong = () => ((guesses += 1), Promise.resolve(false));
        await limits.guess({ address: anAddress(index % 12), email }, wrong).catch(() => {});
      }),
    );
    await aMinutePasses();
  }
  expect(guesses).toBe(100);
  await expect(limits.guess({ address: anAddress(0), email }, right)).rejects.toMatchObject({
    code: 'too-many-requests',
  });
  // From a new address, from one that is known, and with a device that is known, even there where others have guessed.
  expect(await limits.guess({ address: anAddress(50), email }, right)).toBe(true);
  expect(await limits.guess({ address: anAddress(100), email }, right)).toBe(true);
  expect(await limits.guess({ address: anAddress(0), email, known: 'device' }, right)).toBe(true);
  const crowd = Array.from({ length: 20 }, () => limits.guess({ address: anAddress(51), email }, right));
  expect(await Promise.all(crowd)).toEqual(Array(20).fill(true));
});

describe('a customer with a /48 network of IPv6', () => {
  const right = () => Promise.resolve(true);
  const wrong = () => Promise.resolve(false);
  const anAddressOf = (network: number, index: number) => `2001:db8:${network.toString(16)}:${index.toString(16)}::1`;

  test('has the own tries of four addresses, whichever of his he takes, and so have his neighbours', async () => {
    const email = 'owner-6@example.com';
    let guesses = 0;
    const guessed = () => ((guesses += 1), Promise.resolve(false));
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          limits.guess({ address: anAddressOf(1, round * 100 + index), email }, guessed).catch(() => {}),
        ),
      );
    }
    expect(guesses).toBe(4 * 3 + 64);
    await expect(limits.guess({ address: anAddressOf(1, 9_999), email }, right)).rejects.toMatchObject({
      code: 'too-many-requests',
    });
    expect(await limits.guess({ address: anAddressOf(2, 0), email }, right)).toBe(true);
    expect(await limits.guess({ address: anAddress(60), email }, right)).toBe(true);
    // For other accounts his tries are untouched; and right ones are given back, however many come at once.
    const crowd = Array.from({ length: 40 }, (_, index) =>
      limits.guess({ address: anAddressOf(1, index), email: 'another-6@example.com' }, right),
    );
    expect(await Promise.all(crowd)).toEqual(Array(40).fill(true));
  });

  test.each(['logIn', 'registration'] as const)('%s: gets what four addresses get in a minute', async (kind) => {
    const points = { logIn: 300, registration: 30 }[kind];
    const addresses = Array.from({ length: points }, (_, index) => anAddressOf(kind === 'logIn' ? 3 : 4, index));
    let passed = 0;
    const count = () => Promise.resolve((passed += 1));
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(addresses.map((address) => limits[kind](address, count).catch(() => {})));
    }
    expect(passed).toBe(4 * points);
    await limits[kind](anAddressOf(5, 0), count);
    expect(passed).toBe(4 * points + 1);
  });

  test('waits behind others once many wrong passwords came from it, whosesoever they were', async () => {
    let honest = 0;
    const priorityFrom = async (address: string) => {
      let seen: string | undefined;
      const email = `honest-${(honest += 1)}@example.com`;
      await limits.guess({ address, email }, (priority) => ((seen = priority), right()));
      return seen;
    };
    for (let index = 0; index < 20; index += 1) {
      await limits.guess({ address: anAddressOf(6, index), email: `sprayed-${index}@example.com` }, wrong);
    }
    expect(await priorityFrom(anAddressOf(6, 0))).toBe('doubtful');
    expect(await priorityFrom(anAddressOf(6, 100))).toBe('fresh');
    await limits.guess({ address: anAddressOf(6, 101), email: 'sprayed-101@example.com' }, wrong);
    await eventually(async () => expect(await priorityFrom(anAddressOf(6, 102))).toBe('doubtful'));
    expect(await priorityFrom(anAddressOf(7, 0))).toBe('fresh');
  });
});

test('while 400 guessers wait for a slow hash, known devices and then honest first log-ins are served before them', async () => {
  const queue = new PasswordQueue({ concurrency: 1, maxQueued: 512, maxWaitMs: 600_000 });
  const served: string[] = [];
  const hash = Promise.withResolvers<void>();
  const come = (who: string, address: string, known?: string) =>
    limits.guess({ address, email: `${who}@example.com`, known }, (priority) =>
      queue.run(priority, async () => {
        await hash.promise;
        served.push(who);
        return !who.startsWith('guesser');
      }),
    );
  const guesser = (index: number) => anAddress(1_000 + index);
  await Promise.all(
    Array.from({ length: 400 }, (_, index) =>
      limits
        .guess({ address: guesser(index), email: 'somebody@example.com' }, () => Promise.resolve(false))
        .catch(() => {}),
    ),
  );
  // As on a machine that is so busy that Redis answers late.
  await redis.call('CLIENT', 'PAUSE', '500');
  const others = ['somebody', 'else'];
  const guessers = Array.from({ length: 400 }, (_, index) =>
    come(`guesser${index}-${others[index % 2]}`, guesser(index)),
  );
  await eventually(() => expect(queue.waiting).toBe(399));
  const honest = Array.from({ length: 10 }, (_, index) => come(`honest${index}`, anAddress(2_000 + index)));
  await eventually(() => expect(queue.waiting).toBe(409));
  const owner = come('owner', guesser(7), 'device');
  await eventually(() => expect(queue.waiting).toBe(410));
  hash.resolve();
  await Promise.all([...guessers, ...honest, owner]);
  const [first, ...rest] = served;
  expect(first).toMatch(/^guesser/); // it was being served when the others came
  expect(rest[0]).toBe('owner');
  expect(rest.slice(1, 11).sort()).toEqual(Array.from({ length: 10 }, (_, index) => `honest${index}`));
  expect(rest.slice(11)).toHaveLength(399);
});
