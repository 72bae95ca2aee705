import { execFile } from 'node:child_process';
import { createSecretKey } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { currentUser, registeredUser, session } from '@flash-sale/contract/api/schemas.ts';
import { openReads } from '@flash-sale/shared/db/connection.ts';
import type { RunningService } from '@flash-sale/shared/service/service.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient, testEnvironment } from '@flash-sale/shared/testing/service.ts';
import jwt from 'jsonwebtoken';
import { sql } from 'kysely';
import type { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { pruneSessions } from './adapters/prune.ts';
import type { Tables } from './adapters/tables.ts';
import { startUser } from './testing/running.ts';

type Session = z.output<typeof session>;

let database: TestDatabase;
let redis: TestRedis;
const running: RunningService[] = [];

async function start(overrides: Record<string, string> = {}) {
  const service = await startUser({ database, redis }, overrides);
  running.push(service);
  return jsonClient(service.url);
}

let call: ReturnType<typeof jsonClient>;
let callOther: ReturnType<typeof jsonClient>;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase('user'), createTestRedis()]);
  // Both at once, as the launcher does it: they must agree on who migrates.
  [call, callOther] = await Promise.all([start(), start()]);
});

afterAll(async () => {
  await Promise.all(running.map((service) => service.stop()));
  await Promise.all([database?.drop(), redis?.close()]);
});

const password = 'a good password';
let made = 0;
const anEmail = () => `someone-${(made += 1)}@example.com`;
const aUser = async () => {
  const email = anEmail();
  const answer = await call<{ id: string }>('POST', '/api/users', { body: { email, password } });
  expect(answer.status).toBe(201);
  return { email, id: answer.body.id };
};
const logIn = (email: string, on = call, headers: Record<string, string> = {}, pass = password) =>
  on<Session>('POST', '/api/sessions', { body: { email, password: pass }, headers });
const refresh = (refreshToken: string, on = call) =>
  on<Session>('POST', '/api/sessions/refresh', { body: { refreshToken } });
const codeOf = (answer: { body: unknown }) => (answer.body as { type: string }).type;

describe('registration', () => {
  test('makes an account whose address ignores case, and tells nothing secret', async () => {
    const email = anEmail();
    const answer = await call('POST', '/api/users', {
      body: { email: ` ${email.toUpperCase()}`, password, name: 'Some One' },
    });
    expect(answer.status).toBe(201);
    expect(registeredUser.parse(answer.body).email).toBe(email);
    const again = await callOther('POST', '/api/users', { body: { email, password } });
    expect([again.status, codeOf(again)]).toEqual([409, '/problems/email-taken']);
    const { body } = await logIn(email);
    const me = await call('GET', '/api/users/me', { token: body.accessToken });
    expect(me.status).toBe(200);
    expect(currentUser.parse(me.body)).toEqual({ id: answer.body['id'], email, name: 'Some One', role: 'shopper' });
  });

  test('of many at once for one address, over two instances, one wins', async () => {
    const email = anEmail();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        (index % 2 ? call : callOther)('POST', '/api/users', { body: { email, password } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(11).fill(409)]);
    expect((await logIn(email)).status).toBe(201);
  });

  test('crowds with overlapping addresses, over two instances, neither fail nor double', async () => {
    const emails = Array.from({ length: 10 }, anEmail);
    const answers = await Promise.all([
      ...emails.map((email) => call('POST', '/api/users', { body: { email, password } })),
      ...emails.toReversed().map((email) => callOther('POST', '/api/users', { body: { email, password } })),
    ]);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(10);
  });

  test.each<[string, unknown, string]>([
    ['an unknown field', { email: 'a@example.com', password, role: 'admin' }, ''],
    ['no address', { email: 'nobody', password }, 'email'],
    ['a short password', { email: 'a@example.com', password: 'short' }, 'password'],
    ['a long password', { email: 'a@example.com', password: 'x'.repeat(129) }, 'password'],
    ['a number as password', { email: 'a@example.com', password: 12345678 }, 'password'],
    ['a zero byte in the name', { email: 'a@example.com', password, name: 'a\0b' }, 'name'],
    ['no fields', {}, 'email'],
    ['a list', [], ''],
  ])('refuses %s', async (_what, body, path) => {
    const answer = await call<{ errors: { path: string }[] }>('POST', '/api/users', { body });
    expect([answer.status, codeOf(answer)]).toEqual([422, '/problems/invalid-input']);
    expect(answer.body.errors.map((error) => error.path)).toContain(path);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  test('refuses bodies that are no JSON, too large, or of another type', async () => {
    const malformed = await call('POST', '/api/users', { body: '{"email": ' });
    expect([malformed.status, codeOf(malformed)]).toEqual([400, '/problems/malformed-json']);
    const huge = await call('POST', '/api/users', {
      body: { email: 'a@example.com', password, name: 'x'.repeat(110_000) },
    });
    expect([huge.status, codeOf(huge)]).toEqual([413, '/problems/payload-too-large']);
    const form = await call('POST', '/api/users', {
      body: 'email=a%40example.com',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([form.status, codeOf(form)]).toEqual([415, '/problems/unsupported-media-type']);
  });
});

describe('logging in', () => {
  test('answers with tokens that the other instance accepts, and that nobody caches', async () => {
    const { email, id } = await aUser();
    const answer = await logIn(email);
    expect(answer.status).toBe(201);
    expect(session.parse(answer.body).expiresIn).toBe(900);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const me = await callOther('GET', '/api/users/me', { token: answer.body.accessToken });
    expect(me.body).toEqual({ id, email, name: null, role: 'shopper' });
  });

  test('a wrong password and an unknown address look the same', async () => {
    const { email } = await aUser();
    await logIn(email);
    const wrong = await logIn(email, call, {}, 'another password');
    const unknown = await logIn(anEmail());
    expect([wrong.status, codeOf(wrong)]).toEqual([401, '/problems/wrong-credentials']);
    expect([unknown.status, unknown.body]).toEqual([401, wrong.body]);
  });

  test('a crowd at once shares look-ups and transactions without mixing anybody up', async () => {
    const users = await Promise.all(Array.from({ length: 8 }, aUser));
    const crowd = Array.from({ length: 160 }, (_, index) => users[index % users.length]!);
    const answers = await Promise.all(crowd.map(({ email }, index) => logIn(email, index % 3 ? call : callOther)));
    const ids = answers.map(({ body }) => (jwt.decode(body.accessToken) as { sub: string }).sub);
    expect(ids).toEqual(crowd.map(({ id }) => id));
    expect(new Set(answers.map(({ body }) => body.refreshToken)).size).toBe(160);
  });

  test('sheds what does not fit in its queue, and recovers', async () => {
    const { email } = await aUser();
    const narrow = await start({ PASSWORD_CONCURRENCY: '1', PASSWORD_QUEUE_MAX: '2' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => logIn(email, narrow)));
    const shed = answers.filter(({ status }) => status === 503);
    expect(shed.length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20 - shed.length);
    expect(codeOf(shed[0]!)).toBe('/problems/overloaded');
    expect(Number(shed[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await logIn(email, narrow)).status).toBe(201);
  });
});

describe('access tokens', () => {
  const secret = testEnvironment()['JWT_SECRET']!;
  const sign = (payload: object, options: jwt.SignOptions, key = secret) =>
    jwt.sign(payload, createSecretKey(Buffer.from(key)), options);
  const good: jwt.SignOptions = { algorithm: 'HS256', issuer: 'flash-sale', expiresIn: 60 };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test('made by anybody else, changed, expired or unsigned are refused', async () => {
    const { email, id } = await aUser();
    const real = (await logIn(email)).body.accessToken;
    const [head, , signature] = real.split('.');
    const claims = { sub: id, role: 'admin', iss: 'flash-sale', iat: 1, exp: 4_102_444_800 };
    const forged: Record<string, string | undefined> = {
      'no token': undefined,
      'no JWT': 'abc',
      'alg none': `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`,
      'changed role': `${head}.${part(claims)}.${signature}`,
      'another key': sign(
        { role: 'shopper' },
        { ...good, subject: id },
        'another-secret-of-the-same-length-0123456789',
      ),
      'another algorithm': sign({ role: 'shopper' }, { ...good, algorithm: 'HS512', subject: id }),
      'another issuer': sign({ role: 'shopper' }, { ...good, issuer: 'somebody', subject: id }),
      expired: sign({ role: 'shopper', iat: 1_000 }, { ...good, subject: id }),
      'an unknown role': sign({ role: 'root' }, { ...good, subject: id }),
      'no subject': sign({ role: 'shopper' }, good),
      'nobody’s': sign({ role: 'shopper' }, { ...good, subject: '00000000-0000-7000-8000-000000000000' }),
      'the refresh token': (await logIn(email)).body.refreshToken,
    };
    for (const [what, token] of Object.entries(forged)) {
      const answer = await call('GET', '/api/users/me', token === undefined ? {} : { token });
      expect([what, answer.status, codeOf(answer)]).toEqual([what, 401, '/problems/unauthenticated']);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect((await call('GET', '/api/users/me', { token: real })).status).toBe(200);
  });

  test('end after their time', async () => {
    const { email } = await aUser();
    // Whole seconds are counted: of three it may have only two to live.
    const brief = await start({ ACCESS_TOKEN_TTL_S: '3' });
    const { accessToken: token, expiresIn } = (await logIn(email, brief)).body;
    expect(expiresIn).toBe(3);
    expect((await brief('GET', '/api/users/me', { token })).status).toBe(200);
    await eventually(async () => expect((await brief('GET', '/api/users/me', { token })).status).toBe(401));
  });
});

describe('refresh tokens', () => {
  const signIn = async () => (await logIn((await aUser()).email)).body.refreshToken;

  test('each is used up for the next one', async () => {
    let token = await signIn();
    for (const on of [call, callOther, call]) {
      const answer = await refresh(token, on);
      expect(answer.status).toBe(201);
      expect(answer.body.refreshToken).not.toBe(token);
      expect((await on('GET', '/api/users/me', { token: answer.body.accessToken })).status).toBe(200);
      token = answer.body.refreshToken;
    }
  });

  test('a reuse ends the family for good, and no other', async () => {
    const { email } = await aUser();
    const [first, elsewhere] = [(await logIn(email)).body.refreshToken, (await logIn(email)).body.refreshToken];
    const second = (await refresh(first)).body.refreshToken;
    const reused = await refresh(first, callOther);
    expect([reused.status, codeOf(reused)]).toEqual([401, '/problems/refresh-token-invalid']);
    for (const on of [call, callOther]) expect((await refresh(second, on)).status).toBe(401);
    expect((await refresh(elsewhere)).status).toBe(201);
  });

  test.each(['one instance', 'two instances'])('used many times at once, over %s, exactly one wins', async (where) => {
    for (let round = 0; round < 5; round += 1) {
      const token = await signIn();
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          refresh(token, where === 'two instances' && index % 2 ? callOther : call),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(401)]);
      const winner = answers.find(({ status }) => status === 201)!;
      expect((await refresh(winner.body.refreshToken)).status).toBe(401);
    }
  });

  test('a reuse ends the family even when its newest token is refreshed on another instance at that moment', async () => {
    const { email } = await aUser();
    for (let round = 0; round < 25; round += 1) {
      const first = (await logIn(email)).body.refreshToken;
      const second = (await refresh(first)).body.refreshToken;
      const [reused, refreshed] = await Promise.all([refresh(first), refresh(second, callOther)]);
      expect(reused.status).toBe(401);
      if (refreshed.status === 201) expect((await refresh(refreshed.body.refreshToken)).status).toBe(401);
      else expect(refreshed.status).toBe(401);
    }
  });

  test('many families at once, over two instances, all go on', async () => {
    let tokens = await Promise.all(Array.from({ length: 20 }, signIn));
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(tokens.map((token, index) => refresh(token, index % 2 ? call : callOther)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      tokens = answers.map(({ body }) => body.refreshToken).reverse();
    }
  });

  test('unknown and unfit ones are refused', async () => {
    expect((await refresh('x'.repeat(43))).status).toBe(401);
    expect((await refresh('')).status).toBe(422);
    expect((await refresh('x'.repeat(257))).status).toBe(422);
  });

  test('end after their time, and are then removed', async () => {
    const ttlSeconds = 4;
    const brief = await start({ REFRESH_TOKEN_TTL_S: `${ttlSeconds}` });
    const { email } = await aUser();
    const lasting = (await logIn(email)).body.refreshToken;
    const rotated = (await refresh((await logIn(email, brief)).body.refreshToken, brief)).body.refreshToken;
    await new Promise((resolve) => setTimeout(resolve, ttlSeconds * 1_000 + 100));
    expect((await refresh(rotated, brief)).status).toBe(401);

    const db = openReads<Tables>({ url: database.url, poolSize: 1, statementTimeoutMs: 5_000, onError: () => {} });
    try {
      const pruned = await pruneSessions(db, 1_000);
      expect(pruned.sessions).toBeGreaterThanOrEqual(1);
      expect(pruned.usedTokens).toBeGreaterThanOrEqual(1);
      expect(await pruneSessions(db, 1_000)).toEqual({ sessions: 0, usedTokens: 0 });
      const left = await sql<{ count: number }>`SELECT count(*) FROM session WHERE expires_at < now()`.execute(db);
      expect(left.rows[0]?.count).toBe(0);
    } finally {
      await db.destroy();
    }
    expect((await refresh(lasting)).status).toBe(201);
  });
});

describe('rate limits', () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const limits = {
    LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS: '3',
    LOGIN_FAILURES_PER_ACCOUNT: '4',
    LOGIN_TRIES_PER_NEW_ADDRESS: '1',
    LOGIN_LIMIT_PER_ADDRESS: '12',
    REGISTRATION_LIMIT_PER_ADDRESS: '2',
  };
  let limited: typeof call;
  let limitedToo: typeof call;
  /** The same, but for a crowd from one address. */
  let wide: typeof call;
  let wideToo: typeof call;
  beforeAll(async () => {
    [limited, limitedToo] = [await start(limits), await start(limits)];
    const many = { ...limits, LOGIN_LIMIT_PER_ADDRESS: '1000' };
    [wide, wideToo] = [await start(many), await start(many)];
  });
  const guess = async (email: string, address: string, times: number, on = [limited, limitedToo]) => {
    const statuses: number[] = [];
    for (let index = 0; index < times; index += 1) {
      statuses.push((await logIn(email, on[index % 2], from(address), 'a wrong guess')).status);
    }
    return statuses;
  };

  test('guessing from one address is stopped on all instances, without locking the owner out', async () => {
    const { email } = await aUser();
    expect(await guess(email, '203.0.113.1', 5)).toEqual([401, 401, 401, 429, 429]);
    const refused = await logIn(email, limited, from('203.0.113.1'));
    expect([refused.status, codeOf(refused)]).toEqual([429, '/problems/too-many-requests']);
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect((await logIn(email, limited, from('203.0.113.2'))).status).toBe(201);
  });

  test('guessing from many addresses is stopped, but for the tries that each new address has of its own', async () => {
    const { email } = await aUser();
    const known = await logIn(email, limited, from('198.51.100.1'));
    expect(known.status).toBe(201);
    expect(await guess(email, '198.51.100.2', 3)).toEqual([401, 401, 401]);
    expect(await guess(email, '198.51.100.3', 3)).toEqual([401, 401, 401]);
    expect(await guess(email, '198.51.100.4', 3)).toEqual([401, 429, 429]);
    for (let times = 0; times < 3; times += 1) {
      expect((await logIn(email, limitedToo, from('198.51.100.1'))).status).toBe(201);
      expect((await logIn(email, limitedToo, from('198.51.100.5'))).status).toBe(201);
      const device = { 'device-token': known.body.deviceToken! };
      expect((await logIn(email, limited, { ...from('198.51.100.4'), ...device })).status).toBe(201);
    }
  });

  test('a device that is known counts for itself, from whichever address, and for its account alone', async () => {
    const { email } = await aUser();
    const { deviceToken } = (await logIn(email, limited, from('198.51.100.10'))).body;
    const guessWith = async (to: string, host: number) =>
      (await logIn(to, limited, { ...from(`198.51.100.${host}`), 'device-token': deviceToken! }, 'a wrong guess'))
        .status;
    const statuses: number[] = [];
    for (const host of [11, 12, 13, 14]) statuses.push(await guessWith(email, host));
    expect(statuses).toEqual([401, 401, 401, 429]);
    expect((await logIn(email, limited, from('198.51.100.15'))).status).toBe(201);
    const other = await aUser();
    for (const host of [21, 22, 23, 24]) expect(await guessWith(other.email, host)).toBe(401);
  });

  test('right passwords do not count as failures, but each log-in counts for its address', async () => {
    const { email } = await aUser();
    const statuses: number[] = [];
    for (let times = 0; times < 13; times += 1) statuses.push((await logIn(email, limited, from('192.0.2.1'))).status);
    expect(statuses).toEqual([...Array<number>(12).fill(201), 429]);
  });

  test('a crowd of right passwords from one address is served whole, and counts for nothing', async () => {
    const { email } = await aUser();
    const crowd = await Promise.all(
      Array.from({ length: 40 }, (_, index) => logIn(email, index % 2 ? wide : wideToo, from('203.0.113.30'))),
    );
    expect(crowd.map(({ status }) => status)).toEqual(Array<number>(40).fill(201));
    expect(await guess(email, '203.0.113.30', 4, [wide, wideToo])).toEqual([401, 401, 401, 429]);
  });

  test('a crowd of guesses gets no more tries than one after the other', async () => {
    const { email } = await aUser();
    const crowd = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        logIn(email, index % 2 ? wide : wideToo, from('203.0.113.31'), 'a wrong guess'),
      ),
    );
    expect(crowd.filter(({ status }) => status === 401)).toHaveLength(3);
    expect(crowd.filter(({ status }) => status === 429)).toHaveLength(37);
  });

  test('what is shed counts neither for the account nor for the address', async () => {
    const { email } = await aUser();
    const narrow = await start({
      ...limits,
      LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS: '40',
      LOGIN_FAILURES_PER_ACCOUNT: '40',
      LOGIN_LIMIT_PER_ADDRESS: '40',
      PASSWORD_CONCURRENCY: '1',
      PASSWORD_QUEUE_MAX: '1',
    });
    // Until then it would count for itself.
    await eventually(async () => {
      expect((await narrow('GET', '/readyz')).body['checks']).toMatchObject({ redis: 'ok' });
    });
    const address = from('203.0.113.32');
    const crowd = await Promise.all(Array.from({ length: 30 }, () => logIn(email, narrow, address, 'a wrong guess')));
    const shed = crowd.filter(({ status }) => status === 503).length;
    expect(shed).toBeGreaterThan(0);
    for (let tries = 40 - (30 - shed); tries > 0; tries -= 1) {
      expect((await logIn(email, narrow, address, 'a wrong guess')).status).toBe(401);
    }
    expect((await logIn(email, narrow, address, 'a wrong guess')).status).toBe(429);
  });

  test('an IPv6 client cannot escape within its network', async () => {
    const { email } = await aUser();
    const addresses = ['2001:db8:5:5::1', '2001:db8:5:5::2', '2001:db8:5:5:ffff::3', '2001:db8:5:5:1:2:3:4'];
    const statuses: number[] = [];
    for (const address of addresses) statuses.push(...(await guess(email, address, 1)));
    expect(statuses).toEqual([401, 401, 401, 429]);
  });

  test('registrations are limited by address', async () => {
    const register = (address: string) =>
      limited('POST', '/api/users', { body: { email: anEmail(), password }, headers: from(address) });
    const statuses: number[] = [];
    for (let times = 0; times < 3; times += 1) statuses.push((await register('203.0.113.9')).status);
    expect(statuses).toEqual([201, 201, 429]);
    expect((await register('203.0.113.10')).status).toBe(201);
  });

  test('exempt addresses have none', async () => {
    const { email } = await aUser();
    expect(await guess(email, '127.0.0.1', 15)).toEqual(Array<number>(15).fill(401));
    expect(await guess(email, '::ffff:127.0.0.1', 5)).toEqual(Array<number>(5).fill(401));
  });

  test('without Redis log-ins go on, and guessing is still stopped', async () => {
    const { email } = await aUser();
    await redis.stop();
    try {
      expect((await logIn(email, limited, from('203.0.113.20'))).status).toBe(201);
      const statuses: number[] = [];
      for (let times = 0; times < 4; times += 1) {
        statuses.push((await logIn(email, limited, from('203.0.113.21'), 'a wrong guess')).status);
      }
      expect(statuses).toEqual([401, 401, 401, 429]);
    } finally {
      await redis.start();
    }
  });
});

describe('the admin of the configuration', () => {
  const admin = { ADMIN_EMAIL: 'boss@example.com', ADMIN_PASSWORD: 'the boss is here' };
  const roleOf = async (on: typeof call, token: string) => (await on('GET', '/api/users/me', { token })).body['role'];

  test('exists from the start; whoever took the address before is thrown out', async () => {
    await call('POST', '/api/users', { body: { email: admin.ADMIN_EMAIL, password } });
    const squatter = (await logIn(admin.ADMIN_EMAIL)).body;
    const [on] = await Promise.all([start(admin), start(admin)]);
    const answer = await logIn(admin.ADMIN_EMAIL, on, {}, admin.ADMIN_PASSWORD);
    expect(await roleOf(on, answer.body.accessToken)).toBe('admin');
    expect((await logIn(admin.ADMIN_EMAIL, on)).status).toBe(401);
    expect((await refresh(squatter.refreshToken)).status).toBe(401);
    expect((await refresh(answer.body.refreshToken)).status).toBe(201);
  });

  test('keeps sessions over restarts, and takes a new password from the configuration', async () => {
    const kept = (await logIn(admin.ADMIN_EMAIL, call, {}, admin.ADMIN_PASSWORD)).body.refreshToken;
    await start(admin);
    const rotated = await refresh(kept);
    expect(rotated.status).toBe(201);
    const on = await start({ ...admin, ADMIN_PASSWORD: 'the boss moved on' });
    expect((await logIn(admin.ADMIN_EMAIL, on, {}, admin.ADMIN_PASSWORD)).status).toBe(401);
    expect((await logIn(admin.ADMIN_EMAIL, on, {}, 'the boss moved on')).status).toBe(201);
    expect((await refresh(rotated.body.refreshToken)).status).toBe(401);
  });
});

test('the demo accounts are made once, and leave those alone that are there', async () => {
  const env = {
    ...testEnvironment({ DATABASE_URL: database.url, REDIS_URL: redis.urlOf('user'), DEMO_SHOPPERS: '3' }),
    PATH: process.env['PATH'],
  };
  await call('POST', '/api/users', { body: { email: 'shopper2@example.com', password } });
  const run = () => promisify(execFile)(process.execPath, [join(import.meta.dirname, 'demo.ts')], { env });
  expect((await run()).stdout).toBe('made 3 demo accounts\n');
  expect((await run()).stdout).toBe('');
  const roles: unknown[] = [];
  for (const name of ['admin', 'shopper1', 'shopper3']) {
    const { body } = await logIn(`${name}@example.com`, call, {}, 'flash-sale-demo');
    roles.push((await call('GET', '/api/users/me', { token: body.accessToken })).body['role']);
  }
  expect(roles).toEqual(['admin', 'shopper', 'shopper']);
  expect((await logIn('shopper2@example.com')).status).toBe(201);
});

test('an address that does not exist is a problem document', async () => {
  const answer = await call('GET', '/api/sessions/of/nobody');
  expect([answer.status, codeOf(answer)]).toEqual([404, '/problems/not-found']);
});
