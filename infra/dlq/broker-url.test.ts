import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { identityOf } from '../launcher/process-identity.ts';
import { findBrokerUrl } from './broker-url.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flash-sale-test-'));
  mkdirSync(join(folder, 'run'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const write = (content: object) =>
  writeFileSync(join(folder, 'run/stack.json'), JSON.stringify({ launcher: identityOf(process.pid), ...content }));

test('the broker is that of the stack that runs', () => {
  write({ stack: 'async', amqpUrl: 'amqp://127.0.0.1:1' });
  expect(findBrokerUrl(folder)).toBe('amqp://127.0.0.1:1');
});

test('a sync stack has none, and that is said', () => {
  write({ stack: 'sync' });
  expect(() => findBrokerUrl(folder)).toThrow(/sync stack that runs has no broker/);
});

test('without a stack it is said how to start one', () => {
  expect(() => findBrokerUrl(folder)).toThrow(/npm start/);
});
