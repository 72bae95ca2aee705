import { execFileSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { assertTopology } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { createTestRabbitmq, createTestVhost } from '../testing/rabbitmq.ts';
import type { TestRabbitmq } from '../testing/servers.ts';
import { opensConnection } from './amqp-handshake.ts';
import { accepts } from './free-port.ts';
import { deadQueues } from './rabbitmq-queues.ts';

/** With everybody else at work, a start may take long. */
const patienceMs = 120_000;

describe('RabbitMQ', () => {
  let rabbitmq: TestRabbitmq;
  let port: number;
  let folder: string;
  let distributionPort: number;
  let epmdPort: number;
  beforeAll(async () => {
    rabbitmq = await createTestRabbitmq();
    port = Number(new URL(rabbitmq.url).port);
    const values = await evaluate('[os:getenv(X) || X <- ["HOME", "RABBITMQ_DIST_PORT", "ERL_EPMD_PORT"]].');
    const [home = '', ...ports] = JSON.parse(values.replaceAll(/\s/g, '')) as string[];
    folder = home;
    [distributionPort = 0, epmdPort = 0] = ports.map(Number);
  }, patienceMs);
  afterAll(() => rabbitmq?.close());

  const evaluate = (erlang: string) => rabbitmq.control('--quiet', 'eval', erlang);
  const queues = async () => (await rabbitmq.control('--quiet', 'list_queues', '--no-table-headers', 'name')).trim();

  async function declareQueue(): Promise<void> {
    const arguments_ = { 'x-queue-type': 'quorum' };
    const queue = { name: 'orders', vhost: '/', durable: true, auto_delete: false, arguments: arguments_ };
    await writeFile(join(folder, 'queue.json'), JSON.stringify({ queues: [queue] }));
    await rabbitmq.control('import_definitions', join(folder, 'queue.json'));
  }

  test('lets its user in with the password, and nobody else', async () => {
    expect(await opensConnection(rabbitmq.url)).toBe(true);
    const { username } = new URL(rabbitmq.url);
    for (const who of [`${username}:another`, 'guest:guest']) {
      expect(await opensConnection(`amqp://${who}@127.0.0.1:${port}`)).toBe('refused');
    }
  });

  test(
    'listens on loopback only, with all its ports',
    async () => {
      const others = Object.values(networkInterfaces()).flatMap((one = []) => one.filter(({ internal }) => !internal));
      for (const one of [port, distributionPort, epmdPort]) {
        expect(await accepts(one)).toBe(true);
        for (const { address, family } of others)
          if (family === 'IPv4') expect(await accepts(one, address)).toBe(false);
      }
    },
    patienceMs,
  );

  test('keeps its secrets to itself', async () => {
    for (const name of ['rabbitmq.config', 'definitions.json'])
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    // It knows their hashes.
    expect(await readFile(join(folder, 'definitions.json'), 'utf8')).not.toContain(new URL(rabbitmq.url).password);
    expect((await stat(join(folder, '.erlang.cookie'))).mode & 0o777).toBe(0o400);
    expect((await stat(folder)).mode & 0o077).toBe(0);
  });

  test(
    'comes back on its data after a stop and after a kill',
    async () => {
      await declareQueue();
      await rabbitmq.stop();
      expect(await accepts(port)).toBe(false);
      await rabbitmq.start();
      expect(await queues()).toBe('orders');
      await rabbitmq.kill();
      expect(await accepts(port)).toBe(false);
      await rabbitmq.start();
      expect(await queues()).toBe('orders');
    },
    patienceMs,
  );

  test(
    'says which of its queues are dead while it runs, and has them back after a start',
    async () => {
      const asked: string[] = [];
      const control = (...args: string[]) => {
        asked.push(args.join(' '));
        return rabbitmq.control(...args);
      };
      await withChannel(rabbitmq.url, assertTopology);
      // No service listens: suspicious, but the broker says that nothing is wrong.
      const withoutServices = deadQueues({ url: rabbitmq.url, folder, control });
      await eventually(async () => {
        expect(await withoutServices()).toBeUndefined();
        expect(asked).toHaveLength(1);
      });
      for (let n = 0; n < 10; n++) expect(await withoutServices()).toBeUndefined();
      expect(asked).toHaveLength(1);

      // As after a disk was full: its process has died too often to be started again.
      const name = `'%2F_order'`;
      const dies = `case whereis(${name}) of undefined -> dead; P -> exit(P, kill), timer:sleep(50) end`;
      await eventually(async () => {
        expect(await evaluate(`[${dies} || _ <- lists:seq(1, 20)], whereis(${name}).`)).toBe('undefined');
      }, patienceMs / 2);
      const reasons: string[] = [];
      const look = deadQueues({ url: rabbitmq.url, folder, control });
      await eventually(async () => {
        reasons.push(...[await look()].flatMap((reason) => reason ?? []));
        expect(reasons).toEqual(['its queues are down: order']);
      }, patienceMs / 2);
      await rabbitmq.kill();
      await rabbitmq.start();
      // The broker answers before each of its queues has chosen a leader.
      await eventually(async () => {
        const states = await rabbitmq.control('--quiet', 'list_queues', '--no-table-headers', 'state');
        expect(new Set(states.split('\n').map((state) => state.trim()))).toEqual(new Set(['running']));
      }, patienceMs / 2);
    },
    2 * patienceMs,
  );

  test(
    'leaves nothing running',
    async () => {
      const running = processesOf(folder);
      for (const name of ['beam.smp', 'epmd']) expect(running).toContainEqual(expect.stringContaining(name));
      await rabbitmq.close();
      // Erlang's helpers end when they see that it has.
      await eventually(() => expect(processesOf(folder)).toEqual([]));
    },
    patienceMs,
  );

  /** Those that have the folder, or the port of epmd, in their command line or their environment. */
  function processesOf(place: string): string[] {
    // With the environments of all processes, it is more than `runCommand` keeps.
    const output = execFileSync('ps', ['axeww', '-o', 'args='], { encoding: 'utf8', maxBuffer: 100_000_000 });
    return output.split('\n').filter((line) => line.includes(place) || line.includes(`epmd -port ${epmdPort}`));
  }
});

describe('a virtual host for a test file', () => {
  test(
    'is made on the RabbitMQ of the test run, and goes away',
    async () => {
      const [one, other] = await Promise.all([createTestVhost(), createTestVhost()]);
      expect(new URL(one.url).port).toBe(new URL(other.url).port);
      expect(one.url).not.toBe(other.url);
      expect(await opensConnection(one.url)).toBe(true);
      await Promise.all([one.drop(), other.drop()]);
      expect(await opensConnection(one.url)).toBe('refused');
    },
    patienceMs,
  );
});
