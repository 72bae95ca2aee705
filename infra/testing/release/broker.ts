import type { GetMessage, Options } from 'amqplib';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { copyOf } from '@flash-sale/shared/messaging/amqp-messages.ts';
import { eventsExchange, type Topology } from '@flash-sale/shared/messaging/amqp-topology.ts';

/** A message with where it was published to. */
interface SavedMessage {
  queue: string;
  exchange: string;
  routingKey: string;
  content: string;
  options: Options.Publish;
}

export interface SavedBroker {
  /** What the release declares. */
  topology: Topology;
  messages: SavedMessage[];
}

/** Takes everything out of the named queues. */
export async function takeMessages(url: string, queues: string[]): Promise<SavedMessage[]> {
  return withChannel(url, async (channel) => {
    const taken: SavedMessage[] = [];
    for (const queue of queues) {
      for (let one; (one = await channel.get(queue, { noAck: true }));) taken.push(savedMessage(queue, one));
    }
    return taken;
  });
}

/** Declares and publishes what was saved, by a user who may. */
export async function restoreBroker(url: string, { topology, messages }: SavedBroker): Promise<void> {
  await withChannel(url, async (channel) => {
    for (const { name, type, options } of topology.exchanges) await channel.assertExchange(name, type, options);
    for (const { name, options } of topology.queues) await channel.assertQueue(name, options);
    for (const { queue, exchange, key } of topology.bindings) await channel.bindQueue(queue, exchange, key);
    for (const { exchange, routingKey, content, options } of messages)
      channel.publish(exchange, routingKey, Buffer.from(content), options);
    await channel.waitForConfirms();
  });
}

/** An event goes to many queues by its exchange; here each queue has its own copy, which goes back to it alone. */
function savedMessage(queue: string, message: GetMessage): SavedMessage {
  const { exchange, routingKey } = message.fields;
  const headers: Record<string, unknown> = { ...message.properties.headers };
  // The broker counts deliveries itself.
  delete headers['x-delivery-count'];
  const { content, options } = copyOf(message, headers);
  const isEvent = exchange === eventsExchange;
  const address = isEvent ? { exchange: '', routingKey: queue } : { exchange, routingKey };
  return { queue, ...address, content: content.toString(), options };
}
