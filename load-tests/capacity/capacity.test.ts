import { describe, expect, test } from '@jest/globals';
import { serviceNames } from '@flash-sale/contract/services.ts';
import type { StackName } from '@flash-sale/shared/stacks.ts';
import { difference, parseCounters } from './counters.ts';
import { busyShare, costsOf, limitsAt, needsAt } from './needs.ts';
import type { Counters, StackCosts } from './results.ts';

const counters = (factor: number): Counters => ({
  cpuSeconds: {
    ...Object.fromEntries(serviceNames.map((name) => [name, factor])),
    postgres: 2 * factor,
    redis: factor,
  },
  diskBytes: { rabbitmq: 500_000 * factor },
  services: Object.fromEntries(
    serviceNames.map((name) => [
      name,
      { transactions: 10 * factor, items: 640 * factor, transactionSeconds: factor / 8, requests: 2_000 * factor },
    ]),
  ) as Counters['services'],
  postgres: { commits: 100 * factor, walBytes: 1e7 * factor, walSyncs: 50 * factor, databaseBytes: 5e6 * factor },
  redis: { commands: 3_000 * factor },
});
/** A thousand checkouts. */
const measured = (stack: StackName): StackCosts => ({
  stack,
  vus: 250,
  seconds: 10,
  checkouts: 1_000,
  failed: 0,
  checkoutsPerSecond: 100,
  k6CpuSeconds: 1,
  spent: counters(1),
  connections: 6 * serviceNames.length,
  instancesPerService: 2,
});

describe('counters', () => {
  test('are added up over labels, and what else is in the page is left out', () => {
    const page = [
      '# HELP http_request_duration_seconds Requests by route',
      'http_request_duration_seconds_count{route="/a",status="200"} 3',
      'http_request_duration_seconds_count{route="/b",status="409"} 4',
      'http_request_duration_seconds_sum{route="/b",status="409"} 9',
      'flash_sale_batch_items_sum{service="order"} 12',
      'flash_sale_batch_duration_seconds_count 5',
      'flash_sale_batch_duration_seconds_sum 0.25',
    ].join('\n');
    expect(parseCounters(page)).toEqual({ requests: 7, items: 12, transactions: 5, transactionSeconds: 0.25 });
  });

  test('tell what came in between, of things, too, that were not there before', () => {
    const after = counters(3);
    expect(difference(counters(1), after)).toEqual(counters(2));
    const without = { ...counters(1), cpuSeconds: {} };
    expect(difference(without, after).cpuSeconds['postgres']).toBe(6);
  });
});

describe('what a checkout costs', () => {
  test('is what all have used, divided by the checkouts', () => {
    expect(costsOf(measured('sync'))).toMatchObject({
      cpuMs: { order: 1, postgres: 2 },
      requests: 2 * serviceNames.length,
      transactions: (10 * serviceNames.length) / 1_000,
      walBytes: 10_000,
      storedBytes: 5_000,
      redisCommands: 3,
      events: 0,
      deliveries: 0,
      messages: 0,
      inventory: { itemsPerTransaction: 64, transactionMs: 12.5 },
      connectionsPerInstance: 3,
    });
  });

  test('includes seven events and their nine deliveries where a broker carries them', () => {
    expect(costsOf(measured('async'))).toMatchObject({ events: 7, deliveries: 9, brokerDiskBytes: 500 });
  });

  test('includes a message from each transaction for each service that it tells of something, and those for itself', () => {
    const ofInventory = (transactions: number) => {
      const costs = measured('async');
      for (const name of serviceNames) costs.spent.services[name].transactions = 0;
      costs.spent.services.inventory.transactions = transactions;
      return costsOf(costs).messages;
    };
    // Whatever shares a transaction, the payment service is brought what it is to pay for one by one.
    expect(ofInventory(0)).toBe(1);
    // The reservation and the order service hear of what is held, and of what is sold.
    expect(ofInventory(10)).toBeCloseTo(1 + (2 * 10) / 1_000);
    // Alone in its transaction each event travels in a message for each of them, and beyond that there is nothing to send.
    expect(ofInventory(2_000)).toBe(1 + 4);
    expect(ofInventory(9_000)).toBe(1 + 4);
    // Inventory and order tell two other services, the reservation and the payment one.
    expect(costsOf(measured('async')).messages).toBeCloseTo(1 + (6 * 10) / 1_000);
  });
});

describe('what a rate needs', () => {
  const costs = costsOf(measured('async'));

  test('grows in proportion, with room for the processors to breathe', () => {
    const needs = needsAt(costs, 3_000);
    expect(needs.cores['postgres']).toBeCloseTo(6 / busyShare);
    expect(needs.instances.order).toBe(5);
    expect(needs.connections).toBe(serviceNames.length * 5 * 4 + 5);
    expect(needs).toMatchObject({ walBytesPerSecond: 3e7, messagesPerSecond: expect.closeTo(3_180) });
  });

  test('is never less than two instances', () => {
    expect(needsAt(costs, 1).instances.user).toBe(2);
  });

  test('meets its limits, the tightest first', () => {
    const limits = limitsAt(costs, needsAt(costs, 10_000));
    const shares = limits.map(({ need, limit }) => need / limit);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(limits.find(({ resource }) => resource === 'a hot product')).toMatchObject({ need: 20_000, limit: 20_480 });
    const ofSync = costsOf(measured('sync'));
    expect(limitsAt(ofSync, needsAt(ofSync, 1)).map(({ resource }) => resource)).not.toContain('RabbitMQ');
  });
});
