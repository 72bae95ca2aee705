import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { IllegalOperationError, type ChannelModel } from 'amqplib';
import { anEvent } from '../testing/events.ts';
import { eventPublication } from './amqp-messages.ts';
import { AmqpPublisher, type Outcome } from './amqp-publisher.ts';

test.each<[string, () => Error, Outcome]>([
  ['a channel that is closing is an outage', () => new IllegalOperationError('Channel closed', 'stack'), 'unreachable'],
  ['what cannot be written as a message is its own fault', () => new TypeError("Field 'type' is …"), 'refused'],
])('%s', async (_what, error, outcome) => {
  const publish = () => {
    throw error();
  };
  const there = () => Promise.resolve({});
  const channel = Object.assign(new EventEmitter(), { checkQueue: there, checkExchange: there, publish });
  const model = Object.assign(new EventEmitter(), { createConfirmChannel: () => Promise.resolve(channel) });
  const publisher = new AmqpPublisher({ maxUnconfirmed: 10 });
  await publisher.setUp(model as unknown as ChannelModel, () => {});

  const outcomes: Outcome[] = [];
  publisher.publish(eventPublication(anEvent('stock.held'), 7), (one) => outcomes.push(one));
  expect(outcomes).toEqual([outcome]);
  expect(publisher.oldestUnconfirmedMs()).toBeUndefined();
});
