import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { assertTopology } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { askerHeader } from '../test-run/test-broker.ts';
import { startTestRabbitmq, type TestRabbitmq } from './servers.ts';

/** A private RabbitMQ for one test file. It takes seconds to start: prefer `createTestVhost` where that does. */
export function createTestRabbitmq(): Promise<TestRabbitmq> {
  return startTestRabbitmq();
}

export interface TestVhost {
  url: string;
  /** Removes it, with everything in it and even from under open connections. */
  drop(): Promise<void>;
}

/**
 * A fresh virtual host on the RabbitMQ of this test run, with all exchanges and queues and the one user who may do everything.
 * The first call starts the server: allow it half a minute. Needs the servers of `npm test`.
 */
export async function createTestVhost(): Promise<TestVhost> {
  const url = await ask('POST', '/');
  await withChannel(url, assertTopology);
  const name = url.slice(url.lastIndexOf('/'));
  return { url, drop: async () => void (await ask('DELETE', name)) };
}

async function ask(method: string, path: string): Promise<string> {
  const offer = process.env.TEST_BROKER_URL;
  if (!offer) throw new Error('TEST_BROKER_URL is not set: run integration tests with npm test -- int');
  const { origin, username } = new URL(offer);
  const response = await fetch(origin + path, { method, headers: { [askerHeader]: username } });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
