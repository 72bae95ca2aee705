import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { forgetPlace, hasNotes, notePlaces, ownBroker, placeOf, readPlaces } from './broker-places.ts';

let dataDir: string;
beforeEach(() => void (dataDir = mkdtempSync(join(tmpdir(), 'flash-sale-test-'))));
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test('fresh data has used no broker', () => {
  expect(readPlaces(dataDir)).toEqual([]);
  expect(hasNotes(dataDir)).toBe(false);
  notePlaces(dataDir);
  expect([hasNotes(dataDir), readPlaces(dataDir)]).toEqual([true, []]);
});

test('a broker is noted once, and until it is forgotten', () => {
  for (const place of [ownBroker, 'elsewhere:5672', ownBroker]) notePlaces(dataDir, place);
  expect(readPlaces(dataDir)).toEqual([ownBroker, 'elsewhere:5672']);
  forgetPlace(dataDir, ownBroker);
  expect(readPlaces(dataDir)).toEqual(['elsewhere:5672']);
});

test('data of a release that noted none has used its own, if there is one', () => {
  mkdirSync(join(dataDir, 'data/rabbitmq'), { recursive: true });
  expect(readPlaces(dataDir)).toEqual([ownBroker]);
  forgetPlace(dataDir, ownBroker);
  expect(readPlaces(dataDir)).toEqual([]);
});

test.each([
  ['amqp://user:password@broker.example', 'broker.example:5672'],
  ['amqps://user:password@broker.example/', 'broker.example:5671'],
  ['amqp://broker.example:1234/shop', 'broker.example:1234/shop'],
])('a place names where it is, and no password: %s', (url, place) => {
  expect(placeOf(url)).toBe(place);
});
