import { describe, expect, test } from '@jest/globals';
import { isConflict, isUnavailable, isUniqueViolation, NotConnected, orUnavailable } from './connection.ts';

const coded = (code: string, message = 'x') => Object.assign(new Error(message), { code });

describe('what an error of the database means', () => {
  test.each([
    ['a connection that was refused', coded('ECONNREFUSED')],
    ['one that was reset', coded('ECONNRESET')],
    ['a name that is not known right now', coded('EAI_AGAIN')],
    ['a connection failure told by the server', coded('08006')],
    ['too many connections', coded('53300')],
    ['a disk that is full', coded('53100')],
    ['an administrator’s shutdown', coded('57P01')],
    ['a server that still starts', coded('57P03')],
    ['a password that is being changed', coded('28P01')],
    ['a role that may not log in', coded('28000')],
    ['a database that is being replaced', coded('3D000')],
    ['a database that lets nobody in', coded('55000')],
    ['a table that a restore has not brought back yet', coded('42P01')],
    ['rights that a restore has not brought back yet', coded('42501')],
    ['no way to the network', coded('ENETUNREACH')],
    ['no file descriptor left', coded('EMFILE')],
    ['whatever kept us from connecting', new NotConnected('something new')],
    ['a statement that took too long', coded('57014')],
    ['pg: the connection ended', new Error('Connection terminated unexpectedly')],
    ['pg: the connection could not be made in time', new Error('timeout expired')],
    ['pg: no answer in time', new Error('Query read timeout')],
    ['pg: a client that cannot go on', new Error('Client has encountered a connection error and is not queryable')],
    ['the pool: nobody was free in time', new Error('timeout exceeded when trying to connect')],
    ['the pool: connecting took too long', new Error('Connection terminated due to connection timeout')],
  ])('%s: not now', (_what, error) => {
    expect(isUnavailable(error)).toBe(true);
    expect(isConflict(error)).toBe(false);
  });

  test.each([
    ['a constraint', coded('23514')],
    ['a duplicate', coded('23505')],
    ['a mistake in a statement', coded('42601')],
    ['a conflict', coded('40P01')],
    ['a statement in a transaction that has failed', coded('25P02')],
    ['a bug that only sounds like it', coded('23514', 'connection terminated')],
    ['any other error', new TypeError('Cannot read properties of undefined')],
    ['nothing', undefined],
    ['text', 'Query read timeout'],
  ])('%s: will not pass by itself', (_what, error) => {
    expect(isUnavailable(error)).toBe(false);
  });

  test.each(['40001', '40P01', '55P03'])('%s: lost to another, try again', (code) => {
    expect(isConflict(coded(code))).toBe(true);
  });

  test('a duplicate is told apart', () => {
    expect(isUniqueViolation(coded('23505'))).toBe(true);
    expect(isUniqueViolation(coded('23503'))).toBe(false);
  });

  test('orUnavailable lets answers and bugs through, and names an outage', async () => {
    expect(await orUnavailable(Promise.resolve(7))).toBe(7);
    const bug = new TypeError('bug');
    await expect(orUnavailable(Promise.reject(bug))).rejects.toBe(bug);
    const cause = coded('ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:5432');
    const error = await orUnavailable(Promise.reject(cause)).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'unavailable', cause });
    expect(error.message).not.toContain('10.0.0.1');
  });

  test('a database that has too much to do is not told of as one that is away', async () => {
    const busy = new Error('timeout exceeded when trying to connect');
    await expect(orUnavailable(Promise.reject(busy))).rejects.toMatchObject({ code: 'overloaded', cause: busy });
    const away = new Error('Connection terminated due to connection timeout');
    await expect(orUnavailable(Promise.reject(away))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
