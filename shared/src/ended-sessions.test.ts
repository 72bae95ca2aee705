import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { accessTokens } from './auth.ts';
import { EndedSessions, type EndedPage } from './ended-sessions.ts';
import { newId } from './ids.ts';

const lines: { level: number; msg: string }[] = [];
const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
const [userId, sid, other] = [newId(), newId(), newId()];
const inAMinute = () => Date.now() + 60_000;

/** A user service that answers one page after the other, and is away when there is none left. */
function told(...pages: Partial<EndedPage>[]) {
  const cursors: (string | undefined)[] = [];
  const ended = new EndedSessions({
    log,
    source: (cursor) => {
      cursors.push(cursor);
      const page = pages.shift();
      if (!page) return Promise.reject(new Error('away'));
      return Promise.resolve({ sessions: [], accounts: [], cursor: `after ${cursors.length}`, more: false, ...page });
    },
  });
  return { ended, cursors };
}

beforeEach(() => void lines.splice(0));
afterEach(() => void jest.restoreAllMocks());

describe('ended sessions', () => {
  test('are those that were told, page after page, each from where the one before ended', async () => {
    const { ended, cursors } = told(
      { sessions: [{ id: sid, untilMs: inAMinute() }], more: true },
      { sessions: [{ id: other, untilMs: inAMinute() }] },
      {},
    );
    await ended.refresh();
    await ended.refresh();
    expect(cursors).toEqual([undefined, 'after 1', 'after 2']);
    expect(ended.has({ userId, sessionId: sid })).toBe(true);
    expect(ended.has({ userId, sessionId: other })).toBe(true);
    expect(ended.has({ userId, sessionId: newId() })).toBe(false);
    expect(ended.has({ userId })).toBe(false);
  });

  test('a new password ends all from before it but the kept one, those of an earlier release among them', async () => {
    const { ended } = told({ accounts: [{ id: userId, untilMs: inAMinute(), version: 2, keptSession: sid }] });
    await ended.refresh();
    expect(ended.has({ userId, sessionId: sid, credentialsVersion: 1 })).toBe(false);
    expect(ended.has({ userId, sessionId: other, credentialsVersion: 1 })).toBe(true);
    expect(ended.has({ userId, sessionId: other, credentialsVersion: 2 })).toBe(false);
    expect(ended.has({ userId })).toBe(true);
    expect(ended.has({ userId: other, sessionId: newId() })).toBe(false);
  });

  test('stay known while the user service is away, which is told once, and so is its end', async () => {
    const pages: Partial<EndedPage>[] = [{ sessions: [{ id: sid, untilMs: inAMinute() }] }];
    const ended = new EndedSessions({
      log,
      source: () => {
        const page = pages.shift();
        if (!page) return Promise.reject(new Error('away'));
        return Promise.resolve({ sessions: [], accounts: [], cursor: '', more: false, ...page });
      },
    });
    for (let look = 0; look < 4; look += 1) await ended.refresh();
    expect(ended.has({ userId, sessionId: sid })).toBe(true);
    expect(lines.map(({ level }) => level)).toEqual([40]);
    pages.push({ sessions: [{ id: other, untilMs: inAMinute() }] });
    await ended.refresh();
    expect(ended.has({ userId, sessionId: other })).toBe(true);
    expect(lines.map(({ level }) => level)).toEqual([40, 30]);
  });

  test('are forgotten when no token could be good any more', async () => {
    const { ended } = told({ sessions: [{ id: sid, untilMs: inAMinute() }] }, {}, {});
    await ended.refresh();
    const nowMs = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(nowMs + 59_000);
    await ended.refresh();
    expect(ended.has({ userId, sessionId: sid })).toBe(true);
    jest.spyOn(Date, 'now').mockReturnValue(nowMs + 125_000);
    await ended.refresh();
    expect(ended.has({ userId, sessionId: sid })).toBe(false);
  });

  test('end a token that was found good before', async () => {
    const { ended } = told({ sessions: [{ id: sid, untilMs: inAMinute() }] });
    const tokens = accessTokens('a secret of the tests that is long enough', { ended });
    const token = tokens.sign({ userId, role: 'shopper', sessionId: sid, credentialsVersion: 1 }, 60);
    expect(tokens.verify(token)).toEqual({ userId, role: 'shopper', sessionId: sid });
    await ended.refresh();
    expect(() => tokens.verify(token)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
    const fresh = tokens.sign({ userId, role: 'shopper', sessionId: other }, 60);
    expect(tokens.verify(fresh)).toEqual({ userId, role: 'shopper', sessionId: other });
  });

  test('are asked for only while tokens come, and before the first one after a rest is believed', async () => {
    const { ended, cursors } = told({}, { sessions: [{ id: sid, untilMs: inAMinute() }] }, {});
    const tokens = accessTokens('a secret of the tests that is long enough', { ended });
    const token = tokens.sign({ userId, role: 'shopper', sessionId: sid, credentialsVersion: 1 }, 60);
    await ended.refresh();
    await ended.refreshIfUsed();
    expect(cursors.length).toBe(1);
    expect(await tokens.verifyOrLearn(token)).toMatchObject({ userId });
    expect(cursors.length).toBe(1);

    const nowMs = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => nowMs + 3_100);
    const first = tokens.verifyOrLearn(token);
    await expect(first).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(cursors.length).toBe(2);
    await ended.refreshIfUsed();
    await ended.refreshIfUsed();
    expect(cursors.length).toBe(3);
  });

  test('that cannot be asked for after a rest hold a token up once, and not for long', async () => {
    let asked = 0;
    const ended = new EndedSessions({ log, source: () => ((asked += 1), new Promise(() => {})) });
    const tokens = accessTokens('a secret of the tests that is long enough', { ended });
    const token = tokens.sign({ userId, role: 'shopper', sessionId: sid }, 60);
    const [first, second] = [tokens.verifyOrLearn(token), tokens.verifyOrLearn(token)];
    for (const waits of [first, second]) {
      expect(waits).toBeInstanceOf(Promise);
      expect(await waits).toMatchObject({ userId });
    }
    expect(tokens.verifyOrLearn(token)).toMatchObject({ userId });
    expect(asked).toBe(1);
  });
});
