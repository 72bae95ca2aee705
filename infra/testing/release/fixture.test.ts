import { expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';
import { releases, stacksOf, withTimesMoved, withTokenMoved } from './fixture.ts';
import { namesOfRelease } from './names.ts';

const anHourMs = 3_600_000;

test.each(releases)('nothing is missing of a stack that %s had', (release) => {
  expect(stacksOf(release).toSorted()).toEqual(Object.keys(namesOfRelease(release).running).toSorted());
  expect(stacksOf(release)).not.toEqual([]);
});

test.each([
  ['as PostgreSQL writes it', "'2026-11-26 23:30:00.123456+00'", "'2026-11-27 00:30:00.123+00'"],
  ['without a fraction', "'2026-11-26 23:30:00+00'", "'2026-11-27 00:30:00.000+00'"],
  ['as JSON has it', '"at":"2026-12-31T23:30:00.000Z"', '"at":"2027-01-01T00:30:00.000Z"'],
])('a time is moved, %s', (_how, text, moved) => {
  expect(withTimesMoved(text, anHourMs)).toBe(moved);
});

test.each(['019abf2e-2026-7000-8000-000000000000', "'2026-11-26'", '12:00:00', '2026-11-26 10:00:00'])(
  '%s is no moment, and stays',
  (text) => {
    expect(withTimesMoved(text, anHourMs)).toBe(text);
  },
);

test('a token is moved with what it says, and is signed', () => {
  const secret = 'a secret of a test, of 32 characters or more';
  const token = jwt.sign({ role: 'shopper', sub: 'x', iat: 1_000, exp: 2_000 }, secret);
  expect(jwt.verify(withTokenMoved(token, secret, anHourMs), secret, { clockTimestamp: 4_700 })).toEqual({
    role: 'shopper',
    sub: 'x',
    iat: 4_600,
    exp: 5_600,
  });
});
