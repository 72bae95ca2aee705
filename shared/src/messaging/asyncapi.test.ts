import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { batchQueueOf, consumedQueues } from './amqp-topology.ts';
import { asyncApiDocument } from './asyncapi.ts';
import { eventTypes } from '@flash-sale/contract/events/schemas.ts';
import { subscriptions } from '@flash-sale/contract/events/subscriptions.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { references, resolveReference } from '../testing/references.ts';

const file = join(import.meta.dirname, '../../../docs/asyncapi.json');
const document = JSON.parse(JSON.stringify(asyncApiDocument())) as ReturnType<typeof asyncApiDocument>;
const services = serviceNames.filter((service) => subscriptions[service].length > 0);

const resolve = (reference: string) => resolveReference(document, reference);

describe('the AsyncAPI document', () => {
  test('is in docs as it is generated', () => {
    const written: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    // Not toEqual: its difference would be long, and would not say what to do.
    if (!isDeepStrictEqual(written, document)) {
      throw new Error('docs/asyncapi.json is not what is generated. Renew it: npm run asyncapi');
    }
  });

  test('has every type of event, with headers and payload', () => {
    expect(Object.keys(document.components.messages)).toEqual([...eventTypes, ...services.map(batchQueueOf)]);
    for (const type of eventTypes) {
      expect(document.components.messages[type]).toMatchObject({ name: type, headers: {}, payload: {} });
      expect(document.components.schemas[type]).toMatchObject({ properties: { type: { const: type } } });
    }
  });

  test('has a queue and an operation for every service that handles anything', () => {
    expect(Object.keys(document.channels)).toEqual(consumedQueues);
    expect(Object.keys(document.operations)).toEqual(consumedQueues.map((queue) => `${queue}.receive`));
    for (const service of services) {
      expect(Object.keys(document.channels[service]?.messages as object)).toEqual(subscriptions[service]);
      expect(document.operations[`${service}.receive`]).toMatchObject({ channel: { $ref: `#/channels/${service}` } });
      expect(document.channels[service]).toMatchObject({
        bindings: { amqp: { queue: { name: service }, 'x-queue-arguments': { 'x-queue-type': 'quorum' } } },
      });
    }
  });

  test('has a queue for batches of every service, with messages of the events that it handles', () => {
    for (const service of services) {
      const queue = batchQueueOf(service);
      expect(document.operations[`${queue}.receive`]).toMatchObject({ channel: { $ref: `#/channels/${queue}` } });
      expect(document.channels[queue]).toMatchObject({
        messages: { [queue]: { $ref: `#/components/messages/${queue}` } },
        bindings: { amqp: { queue: { name: queue }, 'x-routing-keys': [`*.${service}`] } },
      });
      const oneOf = subscriptions[service].map((type) => ({ $ref: `#/components/schemas/${type}` }));
      expect(document.components.messages[queue]).toMatchObject({ payload: { type: 'array', items: { oneOf } } });
    }
  });

  test('has no reference that leads nowhere', () => {
    const all = references(document);
    expect(all.length).toBeGreaterThan(50);
    expect(all.filter((reference) => !reference.startsWith('#/') || resolve(reference) === undefined)).toEqual([]);
  });
});
