import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type ChannelModel, type ConfirmChannel, type GetMessage } from 'amqplib';
import { eventTypes } from '@flash-sale/contract/events/schemas.ts';
import { subjects } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import {
  assertTopology,
  batchesExchange,
  batchKey,
  batchQueueOf,
  checkTopology,
  deadLettersExchange,
  deadQueueOf,
  eventsExchange,
  serviceDeadLettersExchange,
  retrySteps,
  serviceQueue,
  subscribingServices,
} from '@flash-sale/shared/messaging/amqp-topology.ts';
import { eventPublication } from '@flash-sale/shared/messaging/amqp-messages.ts';
import { readEvent, readMessage } from '@flash-sale/shared/messaging/amqp-reading.ts';
import { anEvent } from '@flash-sale/shared/testing/events.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { createTestRabbitmq } from '../testing/rabbitmq.ts';
import type { TestRabbitmq } from '../testing/servers.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { rabbitmqUsers, type RabbitmqUser } from './rabbitmq-users.ts';

let broker: TestRabbitmq;
const connections = new Map<RabbitmqUser, ChannelModel>();
beforeAll(async () => {
  broker = await createTestRabbitmq();
  await withChannel(broker.url, assertTopology);
  for (const user of rabbitmqUsers) {
    const connection = await connect(broker.urlOf(user));
    connection.on('error', () => undefined); // the server ends before they do
    connections.set(user, connection);
  }
}, 120_000);
afterAll(() => broker?.close());

type Deed = [what: string, does: (channel: ConfirmChannel) => Promise<unknown>];
/** On a channel of its own, which ends with what is refused. */
async function as(user: RabbitmqUser, does: Deed[1]): Promise<void> {
  const channel = await connections.get(user)!.createConfirmChannel();
  let refused = false;
  channel.on('error', () => (refused = true));
  await does(channel).finally(() => (refused ? undefined : channel.close()));
}
const publish =
  (exchange: string, key: string): Deed[1] =>
  (channel) =>
    new Promise<void>((resolve, reject) => {
      channel.once('error', reject);
      channel.publish(exchange, key, Buffer.from('{}'), {}, () => resolve());
    });
const take =
  (queue: string): Deed[1] =>
  (channel) =>
    channel.get(queue);
const consume =
  (queue: string): Deed[1] =>
  (channel) =>
    channel.consume(queue, () => undefined);
const isService = (user: RabbitmqUser) => (subscribingServices as readonly RabbitmqUser[]).includes(user);
const putOffOrAside = [serviceDeadLettersExchange, ...retrySteps.map(({ exchange }) => exchange)];
/** Those of the broker itself, and of releases before. */
const otherExchanges = ['amq.topic', deadLettersExchange, ...retrySteps.map(({ name }) => name)];
const queues = [
  ...subscribingServices.flatMap((name) => [name, batchQueueOf(name), deadQueueOf(name)]),
  ...retrySteps.map(({ name }) => name),
];

test.each(rabbitmqUsers)('%s may look whether everything is there, and count what waits', async (user) => {
  await as(user, async (channel) => {
    await checkTopology(channel);
    for (const queue of queues) await channel.checkQueue(queue);
  });
});

const allowed: [RabbitmqUser, ...Deed][] = [
  ...subscribingServices.flatMap((name): [RabbitmqUser, ...Deed][] => [
    [name, 'take from its queue', take(name)],
    [name, 'consume from its queue', consume(name)],
    [name, 'take from its queue of batches', take(batchQueueOf(name))],
    [name, 'consume from its queue of batches', consume(batchQueueOf(name))],
    ...subscribingServices.map((to): [RabbitmqUser, ...Deed] => [
      name,
      `send ${to} a batch`,
      publish(batchesExchange, batchKey(subjects[name]!, to)),
    ]),
    ...eventTypes
      .filter((type) => type.startsWith(`${subjects[name]}.`))
      .map((type): [RabbitmqUser, ...Deed] => [name, `tell of ${type}`, publish(eventsExchange, type)]),
    ...putOffOrAside.map((exchange): [RabbitmqUser, ...Deed] => [
      name,
      `publish to ${exchange}`,
      publish(exchange, name),
    ]),
  ]),
  ...subscribingServices.flatMap((name): [RabbitmqUser, ...Deed][] => [
    ['operator', `look at ${deadQueueOf(name)}`, take(deadQueueOf(name))],
    ['operator', `give ${name} something again`, publish('', name)],
  ]),
];
test.each(allowed)('%s may %s', (user, _what, does) => as(user, does));

/** What takes a right that only the set-up has. */
const ofNobody: Deed[] = [
  ['declare a queue', (channel) => channel.assertQueue('mine', { durable: true })],
  ['declare what is there', (channel) => channel.assertQueue('order', serviceQueue('order'))],
  ['declare an exchange', (channel) => channel.assertExchange('mine', 'direct')],
  ['declare all', assertTopology],
  ['delete an exchange', (channel) => channel.deleteExchange(eventsExchange)],
  ...queues.flatMap((queue): Deed[] => [
    [`delete ${queue}`, (channel) => channel.deleteQueue(queue)],
    [`bind ${queue}`, (channel) => channel.bindQueue(queue, eventsExchange, '#')],
    [`unbind ${queue}`, (channel) => channel.unbindQueue(queue, eventsExchange, 'stock.held')],
  ]),
];
const forbidden: [RabbitmqUser, ...Deed][] = rabbitmqUsers.flatMap((user) => {
  const own =
    user === 'operator'
      ? subscribingServices.map(deadQueueOf)
      : isService(user)
        ? [user, batchQueueOf(user as ServiceName)]
        : [];
  const strange = queues.filter((queue) => !own.includes(queue));
  const deeds: Deed[] = [
    ...ofNobody,
    ...strange.flatMap((queue): Deed[] => [
      [`take from ${queue}`, take(queue)],
      [`consume from ${queue}`, consume(queue)],
      [`empty ${queue}`, (channel) => channel.purgeQueue(queue)],
    ]),
    ...(user === 'operator'
      ? []
      : subscribingServices
          .flatMap((name) => [name, batchQueueOf(name)])
          .map((name): Deed => [`publish to ${name}`, publish('', name)])),
    ...subscribingServices
      .filter((name) => name !== user)
      .flatMap((name) => subscribingServices.map((to) => batchKey(subjects[name]!, to)))
      .map((key): Deed => [`send a batch as ${key}`, publish(batchesExchange, key)]),
    ...otherExchanges.map((exchange): Deed => [`publish to ${exchange}`, publish(exchange, user)]),
    ...putOffOrAside.flatMap((exchange) =>
      subscribingServices
        .filter((name) => name !== user)
        .map((name): Deed => [`publish to ${exchange} for ${name}`, publish(exchange, name)]),
    ),
    ...eventTypes
      .filter((type) => !isService(user) || !type.startsWith(`${subjects[user as ServiceName]}.`))
      .map((type): Deed => [`tell of ${type}`, publish(eventsExchange, type)]),
  ];
  return deeds.map((deed): [RabbitmqUser, ...Deed] => [user, ...deed]);
});
test.each(rabbitmqUsers)('%s may do nothing else', async (user) => {
  const deeds = forbidden.filter(([name]) => name === user);
  expect(deeds.length).toBeGreaterThan(ofNobody.length + 10);
  for (const [, what, does] of deeds) {
    const outcome = await as(user, does).then(
      () => 'done',
      (error: Error) => error.message,
    );
    expect([what, outcome]).toEqual([what, expect.stringMatching(/ACCESS_REFUSED/)]);
  }
});

test('each event is for one service to tell', () => {
  const tellers = eventTypes.map((type) => serviceNames.filter((name) => type.startsWith(`${subjects[name]}.`)).length);
  expect(tellers).toEqual(eventTypes.map(() => 1));
});

test('the names are those of the services, and two more', () => {
  expect(rabbitmqUsers).toEqual([...serviceNames, 'auditor', 'operator']);
});

test('what comes by a second routing key, which older servers overlook, is refused by who reads it', async () => {
  const { content } = eventPublication(anEvent('payment.requested'), 1);
  const sent = as('order', (channel) => {
    return new Promise<void>((resolve, reject) => {
      channel.once('error', reject);
      channel.publish(retrySteps[0].exchange, 'order', content, { CC: ['payment'] }, () => resolve());
    });
  });
  const outcome = sent.then(async () => {
    const came = await eventually(async () => {
      const message = await withChannel(broker.url, (channel) => channel.get('payment', { noAck: true }));
      expect(message && message.content).toEqual(content);
      return message as GetMessage;
    });
    return readEvent(came, 'payment');
  });
  await expect(outcome).rejects.toThrow(/ACCESS_REFUSED|came by the key order instead of payment/);
});

test('so is a batch that came by a second routing key', async () => {
  const content = Buffer.from(JSON.stringify([anEvent('payment.requested')]));
  const sent = as('order', (channel) => {
    return new Promise<void>((resolve, reject) => {
      channel.once('error', reject);
      channel.publish(batchesExchange, 'order.user', content, { CC: ['payment.payment'] }, () => resolve());
    });
  });
  const outcome = sent.then(async () => {
    const came = await eventually(async () => {
      const message = await withChannel(broker.url, (channel) => channel.get(batchQueueOf('payment'), { noAck: true }));
      expect(message && message.content).toEqual(content);
      return message as GetMessage;
    });
    const { carried } = readMessage(came, 'payment');
    throw new Error(carried[0]?.unreadable);
  });
  await expect(outcome).rejects.toThrow(/ACCESS_REFUSED|came by the key order.user instead of payment.requested/);
});

test('the users are there again after a start, whoever has changed them; nobody comes by a wrong password', async () => {
  await broker.control('delete_user', 'order');
  await broker.control('set_permissions', 'payment', '.*', '.*', '.*');
  await broker.control('change_password', 'operator', 'stolen');
  await broker.stop();
  await broker.start();
  await withChannel(broker.urlOf('order'), take('order'));
  await withChannel(broker.urlOf('operator'), take('order.dead'));
  await expect(withChannel(broker.urlOf('payment'), take('order'))).rejects.toThrow(/ACCESS_REFUSED/);
  for (const user of rabbitmqUsers) {
    const url = new URL(broker.urlOf(user));
    url.password = 'stolen';
    await expect(withChannel(url.href, () => Promise.resolve())).rejects.toThrow(/ACCESS.REFUSED/);
  }
}, 120_000);
