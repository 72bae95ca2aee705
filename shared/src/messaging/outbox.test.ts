import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { newId } from '../ids.ts';
import { anEvent } from '../testing/events.ts';
import { FakeService } from '../testing/fake-service.ts';
import { Outbox } from './outbox.ts';
import type { OutboxRecord } from './transport.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('a connection that comes and goes does not have everything that is held sent again each time', () => {
  const tries: number[] = [];
  const outbox = new Outbox({
    db: undefined as never,
    service: 'order',
    instance: '1',
    transport: {
      deliver: (records: OutboxRecord[]) => {
        tries.push(records.length);
        for (const record of records) intake.notDelivered(record, 'unreachable');
        return Promise.resolve();
      },
      healthy: () => true,
    },
    log: pino({ level: 'silent' }),
    leaseMs: 60_000,
    lookEveryMs: 60_000,
    maxAttempts: 50,
    countAtMost: 1_000,
    maxHeld: 1_000,
    holdMs: 600_000,
    handoverMs: 60_000,
  });
  const intake = outbox.intakeOf(new FakeService('order'));
  const record = { id: newId(), owner: 'order' as const, events: [anEvent('order.paid')] };
  intake.notDelivered(record, 'unreachable');
  // Until it is tried by itself every two seconds.
  jest.advanceTimersByTime(20_000);
  tries.length = 0;
  for (let ms = 0; ms < 10_000; ms += 10) {
    intake.reachableAgain();
    jest.advanceTimersByTime(10);
  }
  expect(tries.length).toBeGreaterThanOrEqual(40);
  expect(tries.length).toBeLessThanOrEqual(41);

  // The last word is heard, too.
  jest.advanceTimersByTime(250);
  tries.length = 0;
  intake.reachableAgain();
  jest.advanceTimersByTime(10);
  intake.reachableAgain();
  expect(tries.length).toBe(1);
  jest.advanceTimersByTime(250);
  expect(tries.length).toBe(2);
  outbox.stopDelivering().catch(() => {});
});
