import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { accessTokens } from '@flash-sale/shared/auth.ts';
import { sessionList, type session } from '@flash-sale/contract/api/schemas.ts';
import { openReads } from '@flash-sale/shared/db/connection.ts';
import { endedPage } from '@flash-sale/shared/ended-sessions.ts';
import type { RunningService } from '@flash-sale/shared/service/service.ts';
import { signingKey } from '@flash-sale/shared/signing-keys.ts';
import { checkAnswer, templateOf } from '@flash-sale/shared/testing/contract-check.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { jsonClient, testEnvironment, type CallOptions } from '@flash-sale/shared/testing/service.ts';
import jwt from 'jsonwebtoken';
import { sql, type Kysely } from 'kysely';
import type { z } from 'zod';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/database.ts';
import { createTestRedis, type TestRedis } from '../../../infra/testing/redis.ts';
import { pruneSessions } from './adapters/prune.ts';
import type { Tables } from './adapters/tables.ts';
import { startUser } from './testing/running.ts';

type Session = z.output<typeof session>;
type Call = ReturnType<typeof jsonClient>;

let database: TestDatabase;
let redis: TestRedis;
let db: Kysely<Tables>;
const running: RunningService[] = [];

/** Every answer is held against the document. */
async function start(overrides: Record<string, string> = {}): Promise<Call> {
  const service = await startUser({ database, redis }, overrides);
  running.push(service);
  const call = jsonClient(service.url);
  return async <Body>(method: string, path: string, options?: CallOptions) => {
    const answer = await call<Body>(method, path, options);
    const template = templateOf(method, path);
    if (template) checkAnswer(method, template, answer.status, answer.headers, answer.body);
    if (template) expect([path, answer.headers.get('cache-control')]).toEqual([path, 'no-store']);
    return answer;
  };
}

let call: Call;
let callOther: Call;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase('user'), createTestRedis()]);
  [call, callOther] = await Promise.all([start(), start()]);
  db = openReads<Tables>({ url: database.url, poolSize: 1, statementTimeoutMs: 5_000, onError: () => {} });
});
afterAll(async () => {
  await db?.destroy();
  await Promise.all(running.map((service) => service.stop()));
  await Promise.all([database?.drop(), redis?.close()]);
});

const password = 'a good password';
const newPassword = 'an even better one';
let made = 0;
const aUser = async () => {
  const email = `owner-${(made += 1)}@example.com`;
  const answer = await call<{ id: string }>('POST', '/api/users', { body: { email, password, name: 'Some One' } });
  expect(answer.status).toBe(201);
  return { email, id: answer.body.id };
};
const logIn = async (email: string, pass = password, headers: Record<string, string> = {}, on = call) => {
  const answer = await on<Session>('POST', '/api/sessions', { body: { email, password: pass }, headers });
  return { status: answer.status, ...answer.body };
};
const refresh = async (refreshToken: string, on = call) =>
  on<Session>('POST', '/api/sessions/refresh', { body: { refreshToken } });
const me = async (token: string, on = call) => (await on('GET', '/api/users/me', { token })).status;
const sessionsOf = async (token: string) =>
  sessionList.parse((await call('GET', '/api/sessions', { token })).body).items;
const codeOf = (answer: { body: unknown }) => (answer.body as { type: string }).type;
/** On both instances, as on any other service. */
const isRefused = async (token: string) => {
  await eventually(async () => expect(await me(token)).toBe(401));
  await eventually(async () => expect(await me(token, callOther)).toBe(401));
};

describe('sessions', () => {
  test('are listed with what tells them apart, one’s own alone', async () => {
    const { email } = await aUser();
    const first = await logIn(email, password, { 'user-agent': `Phone \u00e9 ${'x'.repeat(300)}` });
    const second = await logIn(email, password, { 'user-agent': 'Laptop' });
    await logIn((await aUser()).email);
    const rotated = (await refresh(first.refreshToken)).body;
    const items = await sessionsOf(rotated.accessToken);
    expect(items.map(({ current }) => current)).toEqual([false, true]);
    expect(items[0]!.userAgent).toBe('Laptop');
    expect(items[1]!.userAgent).toMatch(/^Phone {2}x+$/);
    expect(items[1]!.userAgent!.length).toBeLessThanOrEqual(200);
    expect(items[0]!.refreshedAt).toBeNull();
    expect(Date.parse(items[1]!.refreshedAt!)).toBeGreaterThanOrEqual(Date.parse(items[1]!.createdAt));
    expect((await sessionsOf(second.accessToken)).map(({ current }) => current)).toEqual([true, false]);
  });

  test('logging out ends one’s own, and a second time changes nothing', async () => {
    const { email } = await aUser();
    const [gone, stays] = [await logIn(email), await logIn(email)];
    expect((await call('DELETE', '/api/sessions/current', { token: gone.accessToken })).status).toBe(204);
    expect((await refresh(gone.refreshToken, callOther)).status).toBe(401);
    await isRefused(gone.accessToken);
    expect([await me(stays.accessToken), (await refresh(stays.refreshToken)).status]).toEqual([200, 201]);
    expect(await sessionsOf(stays.accessToken)).toHaveLength(1);
  });

  test('another of one’s own can be ended, nobody else’s', async () => {
    const { email } = await aUser();
    const [lost, here] = [await logIn(email), await logIn(email)];
    const stranger = await logIn((await aUser()).email);
    const id = (await sessionsOf(here.accessToken)).find(({ current }) => !current)!.id;
    const endIt = (token: string, of = id) => call('DELETE', `/api/sessions/${of}`, { token });
    expect((await endIt(stranger.accessToken)).status).toBe(404);
    expect((await endIt(here.accessToken, 'nonsense')).status).toBe(404);
    expect(await me(lost.accessToken)).toBe(200);
    expect((await endIt(here.accessToken)).status).toBe(204);
    expect((await endIt(here.accessToken)).status).toBe(404);
    expect((await refresh(lost.refreshToken)).status).toBe(401);
    await isRefused(lost.accessToken);
    expect(await me(here.accessToken)).toBe(200);
  });

  test('a reused refresh token ends the access tokens of its family, too', async () => {
    const first = await logIn((await aUser()).email);
    const second = (await refresh(first.refreshToken)).body;
    expect((await refresh(first.refreshToken)).status).toBe(401);
    await isRefused(first.accessToken);
    await isRefused(second.accessToken);
  });

  test('end after their absolute life, however often they are refreshed', async () => {
    const brief = await start({ SESSION_TTL_S: '3' });
    const { email } = await aUser();
    let { refreshToken } = await logIn(email, password, {}, brief);
    await eventually(async () => {
      const answer = await refresh(refreshToken, brief);
      if (answer.status === 201) refreshToken = answer.body.refreshToken;
      expect(answer.status).toBe(401);
    });
  });

  test('a token of the release before names no session, and is good for all but ending one', async () => {
    const { id } = await aUser();
    const token = accessTokens(testEnvironment()['JWT_SECRET']!).sign({ userId: id, role: 'shopper' }, 60);
    expect(await me(token)).toBe(200);
    const answer = await call('DELETE', '/api/sessions/current', { token });
    expect([answer.status, codeOf(answer)]).toEqual([401, '/problems/unauthenticated']);
  });
});

describe('a new password', () => {
  const change = (token: string, body: object, on = call) =>
    on<{ deviceToken: string }>('PUT', '/api/users/me/password', { token, body });

  test('ends all sessions but the one it comes from, and is the only one that logs in', async () => {
    const { email } = await aUser();
    const [here, there] = [await logIn(email), await logIn(email)];
    const answer = await change(here.accessToken, { currentPassword: password, newPassword });
    expect(answer.status).toBe(200);
    expect((await logIn(email)).status).toBe(401);
    expect((await logIn(email, password, {}, callOther)).status).toBe(401);
    expect((await refresh(there.refreshToken)).status).toBe(401);
    await isRefused(there.accessToken);
    expect([await me(here.accessToken), await me(here.accessToken, callOther)]).toEqual([200, 200]);
    const rotated = await refresh(here.refreshToken);
    expect(rotated.status).toBe(201);
    const again = await logIn(email, newPassword);
    expect(again.status).toBe(201);
    // As often as they like: each time the others end.
    expect((await change(again.accessToken, { currentPassword: newPassword, newPassword: password })).status).toBe(200);
    await isRefused(rotated.body.accessToken);
    expect(await me(again.accessToken)).toBe(200);
  });

  test('needs the current one, and one that not everybody tries first', async () => {
    const { email } = await aUser();
    const { accessToken } = await logIn(email);
    const wrong = await change(accessToken, { currentPassword: 'not this', newPassword });
    expect([wrong.status, codeOf(wrong)]).toEqual([401, '/problems/wrong-credentials']);
    for (const common of ['password', 'PassWord1', '12345678', 'qwertyuiop', 'iloveyou']) {
      const answer = await change(accessToken, { currentPassword: password, newPassword: common });
      expect([common, answer.status, codeOf(answer)]).toEqual([common, 409, '/problems/password-too-common']);
      const registered = await call('POST', '/api/users', { body: { email: `c-${email}`, password: common } });
      expect([registered.status, codeOf(registered)]).toEqual([409, '/problems/password-too-common']);
    }
    expect((await change(accessToken, { currentPassword: password })).status).toBe(422);
    expect((await logIn(email)).status).toBe(201);
  });

  test('of two at once from two sessions exactly one wins, and its session is the one that goes on', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { email } = await aUser();
      const sessions = [await logIn(email), await logIn(email)];
      const answers = await Promise.all(
        sessions.map(({ accessToken }, index) =>
          change(
            accessToken,
            { currentPassword: password, newPassword: `${newPassword} ${index}` },
            index ? call : callOther,
          ),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
      const winner = answers.findIndex(({ status }) => status === 200);
      expect((await logIn(email, `${newPassword} ${winner}`)).status).toBe(201);
      expect((await refresh(sessions[winner]!.refreshToken)).status).toBe(201);
      expect((await refresh(sessions[1 - winner]!.refreshToken)).status).toBe(401);
    }
  });

  test('leaves nothing to a log-in that verified the old one at that moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { email } = await aUser();
      const here = await logIn(email);
      const [changed, ...crowd] = await Promise.all([
        change(here.accessToken, { currentPassword: password, newPassword }),
        ...Array.from({ length: 6 }, (_, index) => logIn(email, password, {}, index % 2 ? call : callOther)),
      ]);
      expect(changed.status).toBe(200);
      for (const late of crowd.filter(({ status }) => status === 201)) {
        expect((await refresh(late.refreshToken)).status).toBe(401);
        await isRefused(late.accessToken);
      }
      expect(await me(here.accessToken)).toBe(200);
    }
  });

  test('cannot be guessed by whoever has stolen a session', async () => {
    const limited = await start({ LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS: '3', RATE_LIMIT_EXEMPT: '' });
    const { email } = await aUser();
    const { accessToken } = await logIn(email);
    const statuses: number[] = [];
    for (let guess = 0; guess < 5; guess += 1) {
      const headers = { 'x-forwarded-for': `203.0.113.${guess}` };
      const body = { password: 'a wrong guess' };
      statuses.push((await limited('DELETE', '/api/users/me', { token: accessToken, headers, body })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    expect((await logIn(email, password, { 'x-forwarded-for': '203.0.113.99' }, limited)).status).toBe(201);
  });
});

describe('giving the password again', () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const change = (on: Call, token: string, currentPassword: string, address: string) =>
    on('PUT', '/api/users/me/password', { token, headers: from(address), body: { currentPassword, newPassword } });
  const remove = (on: Call, token: string, given: string, address: string) =>
    on('DELETE', '/api/users/me', { token, headers: from(address), body: { password: given } });

  test('counts for the address as a log-in does, right or wrong, for whichever account', async () => {
    const limited = await start({ LOGIN_LIMIT_PER_ADDRESS: '4', RATE_LIMIT_EXEMPT: '' });
    const [one, other] = [await aUser(), await aUser()];
    const [mine, theirs] = [await logIn(one.email), await logIn(other.email)];
    const here = '203.0.113.20';
    const passed = [
      (await logIn(one.email, password, from(here), limited)).status,
      (await change(limited, mine.accessToken, 'not this', here)).status,
      (await change(limited, mine.accessToken, password, here)).status,
      (await remove(limited, theirs.accessToken, 'not this', here)).status,
    ];
    expect(passed).toEqual([201, 401, 200, 401]);
    for (const refused of [
      await change(limited, mine.accessToken, newPassword, here),
      await remove(limited, theirs.accessToken, password, here),
      await limited('POST', '/api/sessions', { body: { email: other.email, password }, headers: from(here) }),
    ]) {
      expect([refused.status, codeOf(refused)]).toEqual([429, '/problems/too-many-requests']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    // Nothing of that was done, and from elsewhere it can be.
    expect((await logIn(other.email)).status).toBe(201);
    expect((await remove(limited, theirs.accessToken, password, '203.0.113.21')).status).toBe(204);
  });

  test('at once is no way around it', async () => {
    const limited = await start({ LOGIN_LIMIT_PER_ADDRESS: '4', RATE_LIMIT_EXEMPT: '' });
    const { accessToken } = await logIn((await aUser()).email);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => remove(limited, accessToken, 'not this', '203.0.113.30')),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array<number>(4).fill(401),
      ...Array<number>(8).fill(429),
    ]);
  });
});

describe('deleting an account', () => {
  const remove = (token: string, body: object) => call('DELETE', '/api/users/me', { token, body });

  test('needs the password; then everything personal is gone, and the address is free', async () => {
    const { email, id } = await aUser();
    const [here, there] = [await logIn(email, password, { 'user-agent': 'Laptop' }), await logIn(email)];
    expect((await remove(here.accessToken, { password: 'not this' })).status).toBe(401);
    expect((await remove(here.accessToken, {})).status).toBe(422);
    expect((await remove(here.accessToken, { password })).status).toBe(204);
    expect((await logIn(email)).status).toBe(401);
    for (const { accessToken, refreshToken } of [here, there]) {
      expect((await refresh(refreshToken, callOther)).status).toBe(401);
      await isRefused(accessToken);
    }
    await pruneSessions(db, 1_000);
    const { rows } = await sql<{ row: string }>`
      SELECT row_to_json(account)::text AS row FROM account WHERE id = ${id}
      UNION ALL SELECT row_to_json(session)::text FROM session WHERE user_id = ${id}`.execute(db);
    expect(rows).toHaveLength(1);
    expect(JSON.parse(rows[0]!.row)).toMatchObject({ id, name: null, password_hash: '' });
    expect(rows[0]!.row).not.toContain(email);
    const again = await call<{ id: string }>('POST', '/api/users', { body: { email, password } });
    expect(again.status).toBe(201);
    expect(again.body.id).not.toBe(id);
    expect((await logIn(email)).status).toBe(201);
    await isRefused(here.accessToken);
  });

  test('at once and twice, one of them does it', async () => {
    const { email } = await aUser();
    const { accessToken } = await logIn(email);
    const answers = await Promise.all([1, 2].map(() => remove(accessToken, { password })));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 401]);
  });
});

describe('what other services hear of ended sessions', () => {
  const ask = async (after?: string, token = testEnvironment()['INTERNAL_TOKEN']!) => {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    return call('GET', `/internal/sessions/ended${query}`, { token });
  };
  const idsOf = (page: z.output<typeof endedPage>) => page.sessions.map(({ id }) => id);

  test('is for them alone', async () => {
    expect((await ask(undefined, 'somebody else')).status).toBe(404);
    expect((await ask(undefined, (await logIn((await aUser()).email)).accessToken)).status).toBe(404);
  });

  test('a cursor leads on, with what may have come late; one of the future or of nonsense begins anew', async () => {
    const { email } = await aUser();
    const [here, gone] = [await logIn(email), await logIn(email)];
    const id = (await sessionsOf(here.accessToken)).find(({ current }) => !current)!.id;
    const before = endedPage.parse((await ask()).body);
    expect(idsOf(before)).not.toContain(id);
    await call('DELETE', '/api/sessions/current', { token: gone.accessToken });
    for (const cursor of [
      undefined,
      before.cursor,
      '3000-01-01 00:00:00+00/00000000-0000-0000-0000-000000000000',
      'x',
    ]) {
      const page = endedPage.parse((await ask(cursor)).body);
      expect(idsOf(page)).toContain(id);
      expect(page.sessions.find((one) => one.id === id)!.untilMs).toBeGreaterThan(Date.now() + 900_000);
    }
  });

  test('many come page by page, none twice within one look, none left out', async () => {
    const { id: userId } = await aUser();
    await sql`
      INSERT INTO session (id, user_id, token_hash, expires_at, revoked_at)
      SELECT gen_random_uuid(), ${userId}, 'mass-' || n, now() + interval '1 hour', now() FROM generate_series(1, 2500) n`.execute(
      db,
    );
    const heard: string[] = [];
    let cursor: string | undefined;
    for (let more = true; more;) {
      const page = endedPage.parse((await ask(cursor)).body);
      expect(page.sessions.length + page.accounts.length).toBeLessThanOrEqual(1_000);
      heard.push(...idsOf(page));
      ({ cursor, more } = page);
    }
    expect(new Set(heard).size).toBe(heard.length);
    const { rows } = await sql<{ id: string }>`SELECT id FROM session WHERE token_hash LIKE 'mass-%'`.execute(db);
    expect(rows.filter(({ id }) => !heard.includes(id))).toEqual([]);
    await sql`DELETE FROM session WHERE token_hash LIKE 'mass-%'`.execute(db);
  });
});

describe('tokens that only this service can sign', () => {
  const [first, second] = ['1'.repeat(64), '2'.repeat(64)];
  const kidOf = (token: string) => (jwt.decode(token, { complete: true })!.header as { kid?: string }).kid;

  test('are signed by the first key; every instance that knows it accepts them, through a rotation', async () => {
    const { email } = await aUser();
    const keyOf = async (on: Call) => {
      const { accessToken } = await logIn(email, password, {}, on);
      return accessToken;
    };
    const [before, between, after] = await Promise.all([
      start({ TOKEN_SIGNING: 'es256', TOKEN_KEYS: `${first},${second}` }),
      start({ TOKEN_SIGNING: 'es256', TOKEN_KEYS: `${second},${first}` }),
      start({ TOKEN_SIGNING: 'es256', TOKEN_KEYS: second, TOKEN_ALGORITHMS: 'es256' }),
    ]);
    const [old, next, shared] = [await keyOf(before), await keyOf(between), await keyOf(call)];
    expect([kidOf(old), kidOf(next), kidOf(shared)]).toEqual([
      signingKey(first).kid,
      signingKey(second).kid,
      undefined,
    ]);
    const accepted = async (on: Call) => Promise.all([old, next, shared].map((token) => me(token, on)));
    expect(await accepted(before)).toEqual([200, 200, 200]);
    expect(await accepted(between)).toEqual([200, 200, 200]);
    expect(await accepted(after)).toEqual([401, 200, 401]);
  });

  test('are verified by keys that are for other services alone, and tell no secret', async () => {
    const on = await start({ TOKEN_KEYS: `${first},${second}` });
    const ask = (token: string) => on('GET', '/internal/jwks', { token });
    expect((await ask('somebody else')).status).toBe(404);
    const { keys } = (await ask(testEnvironment()['INTERNAL_TOKEN']!)).body as { keys: Record<string, string>[] };
    expect(keys).toEqual([first, second].map((secret) => signingKey(secret).publicKey));
    expect(keys.map((key) => Object.keys(key).sort())).toEqual(
      Array(2).fill(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']),
    );
  });
});
