import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { checkTopology, deadQueueOf, retrySteps } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { countWaiting } from '../dlq/broker.ts';
import { createTestVhost, type TestVhost } from '../testing/rabbitmq.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { opensConnection } from './amqp-handshake.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { forgetPlace, notePlaces, placeOf } from './broker-places.ts';
import { withClient } from './databases.ts';
import { influxql } from './influxql.ts';
import { identityOf } from './process-identity.ts';
import { findRunningStack, NotRunning } from './running-stack.ts';
import { environmentsIn } from '@flash-sale/shared/service/environments.ts';
import type { Secrets } from './secrets.ts';
import { startStack } from './stack.ts';
import type { Stack, StackOptions } from './stack-types.ts';

/** Stands in for services, one at each of the environments: says who it is and what environment it got. */
const fake = (environments: string) => `
import { createServer } from 'node:http';
const answer = (request, response) => response.end(JSON.stringify({ pid: process.pid, env: process.env }));
for (const { PORT, HOST } of ${environments}) createServer(answer).listen(Number(PORT), HOST);
process.stdin.resume().once('end', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
`;
const fakeService = fake('[process.env]');
const fakeServicesTogether = fake(
  "Object.entries(process.env).flatMap(([name, PORT]) => (name.endsWith('__PORT') ? { PORT, HOST: '127.0.0.1' } : []))",
);

let home: string;
let servicesRoot: string;

beforeAll(async () => {
  home = await temporaryFolder('stack');
  servicesRoot = await fakeServices('services', fakeService);
});
afterAll(() => rm(home, { recursive: true }));

async function fakeServices(name: string, source: string, together = fakeServicesTogether): Promise<string> {
  const root = join(home, name);
  for (const service of serviceNames) {
    await mkdir(join(root, service, 'src'), { recursive: true });
    await writeFile(join(root, service, 'src/main.ts'), source);
  }
  await writeFile(join(root, 'main.ts'), together);
  await writeFile(join(root, 'user/src/demo.ts'), 'console.log(`${process.env.DEMO_SHOPPERS} shoppers`);');
  return root;
}

const aStack = (options: Partial<StackOptions> = {}) =>
  startStack({ stack: 'sync', dataDir: join(home, 'data'), servicesRoot, instances: 1, ...options });

interface FakeAnswer {
  pid: number;
  env: Record<string, string>;
}
const ask = async (stack: Stack, path: string) => (await (await fetch(stack.url + path)).json()) as FakeAnswer;

const until = (condition: () => Promise<boolean> | boolean) =>
  eventually(async () => expect(await condition()).toBe(true));

describe('a running stack', () => {
  let stack: Stack;
  const log: string[] = [];
  beforeAll(async () => {
    stack = await aStack({
      env: { HOLD_TTL_MS: '500' },
      demo: { shoppers: 7 },
      beganAtMs: Date.now() - 3_600_000,
      onLog: (line) => log.push(line),
    });
  });
  afterAll(() => stack?.stop());

  test('gives each service its environment, and nothing else of ours', async () => {
    const { env } = await ask(stack, '/api/payments');
    expect(env).toMatchObject({
      STACK: 'sync',
      SERVICE_INSTANCE: '1',
      HOST: '127.0.0.1',
      INTERNAL_URL: stack.internalUrl,
      REDIS_URL: expect.stringContaining('//payment:'),
      HOLD_TTL_MS: '500',
      NODE_ENV: 'production',
      DATABASE_URL: expect.stringContaining('//fs_payment:'),
      GATEWAY_DATABASE_URL: expect.stringContaining('//fs_gateway:'),
    });
    expect(env.RATE_LIMIT_EXEMPT).toBe('127.0.0.0/8,::1/128');
    expect(env).not.toHaveProperty('JEST_WORKER_ID');
    expect(env).not.toHaveProperty('AMQP_URL');
    expect(env).not.toHaveProperty('INFLUX_URL');
    // Whoever owns a table may change it.
    expect(JSON.stringify(env)).not.toContain('_owner');
    expect((await ask(stack, '/api/orders')).env).not.toHaveProperty('GATEWAY_DATABASE_URL');
  });

  test('tells the seconds for which it was waited, the installation of packages among them', () => {
    for (const what of ['servers are up', 'services are ready', 'demo data is loaded'])
      expect(log).toContainEqual(expect.stringMatching(new RegExp(`^${what} \\(3[67]\\d\\d\\.\\d s\\)$`)));
  });

  test('has loaded the demo data', async () => {
    expect(await readFile(join(stack.dataDir, 'logs/demo-user.log'), 'utf8')).toBe('7 shoppers\n');
  });

  test('can be found by other commands, on behalf of its owner only', async () => {
    expect(findRunningStack(stack.dataDir).url).toBe(stack.url);
    expect((await stat(join(stack.dataDir, 'run/stack.json'))).mode & 0o777).toBe(0o600);
  });

  test('is alone on its data', async () => {
    await expect(aStack()).rejects.toThrow(/runs already/);
    expect((await ask(stack, '/api/users')).pid).toBeGreaterThan(0);
  });

  test('brings killed processes back', async () => {
    const pidOf = (name: string) => stack.processes.find((one) => one.name === name)?.pid;
    for (const name of ['order-1', 'nginx', 'redis', 'postgres']) {
      const before = pidOf(name);
      stack.kill(name);
      await until(() => pidOf(name) !== undefined && pidOf(name) !== before);
      expect(log).toContain(`${name} ended (SIGKILL); starting it again in 100 ms`);
    }
    await until(() => ask(stack, '/api/orders').then(Boolean, () => false));
    await until(() => withClient(stack.databaseUrls.order, () => Promise.resolve(true)).catch(() => false));
    expect(findRunningStack(stack.dataDir).processes).toEqual(stack.processes);
  });

  test('replaces processes that have been stopped, and workers of servers, too', async () => {
    const pidOf = (name: string) => stack.processes.find((one) => one.name === name)?.pid;
    for (const name of ['order-1', 'nginx', 'redis', 'postgres']) {
      const before = pidOf(name)!;
      stack.kill(name, 'SIGSTOP');
      await until(() => ![undefined, before].includes(pidOf(name)));
      expect(log).toContain(`${name} (pid ${before}) has been stopped for 2 s: killing it`);
    }
    const workersOf = async (pid: number) =>
      (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number);
    const master = pidOf('nginx')!;
    await until(async () => (await workersOf(master)).length > 0);
    const [worker] = await workersOf(master);
    process.kill(worker!, 'SIGSTOP');
    await until(async () => !(await workersOf(master)).includes(worker!));
    expect(pidOf('nginx')).toBe(master);
    await until(() => ask(stack, '/api/orders').then(Boolean, () => false));
  });

  test('lets tests take PostgreSQL away and bring it back with its data', async () => {
    await stack.postgres.stop();
    await expect(withClient(stack.databaseUrls.order, () => Promise.resolve(true))).rejects.toThrow();
    await stack.postgres.start();
    await withClient(stack.databaseUrls.order, (client) => client.query('SELECT 1'));
  });

  test('leaves nothing running', async () => {
    const pids = stack.processes.flatMap(({ pid }) => pid ?? []);
    expect(pids).toHaveLength(3 + serviceNames.length);
    await stack.stop();
    expect(pids.filter((pid) => identityOf(pid))).toEqual([]);
    expect(() => findRunningStack(stack.dataDir)).toThrow(NotRunning);
  });
});

describe('a stack whose services share processes', () => {
  const portsOf = (env: Record<string, string>) => Object.values(environmentsIn(env)).map(({ PORT }) => PORT);
  let stack: Stack;
  beforeAll(async () => {
    stack = await aStack({ dataDir: join(home, 'shared-data'), layout: 'shared', instances: 2, demo: { shoppers: 7 } });
  });
  afterAll(() => stack?.stop());

  test('has a process for one instance of each, with an environment for each', async () => {
    const ofServices = stack.processes.filter(({ name }) => name.startsWith('services'));
    expect(ofServices.map(({ name, service, instance }) => [name, service, instance])).toEqual([
      ['services-1', undefined, 1],
      ['services-2', undefined, 2],
    ]);
    for (const { holds } of ofServices) expect(holds?.map(({ service }) => service)).toEqual(serviceNames);
    const answered = new Set<number>();
    await until(async () => {
      answered.add((await ask(stack, '/api/orders')).pid);
      return ofServices.every(({ pid }) => answered.has(pid!));
    });
    const { pid: own, env } = await ask(stack, '/api/orders');
    const held = ofServices.find(({ pid }) => pid === own)!.holds!;
    expect(portsOf(env)).toEqual(held.map(({ port }) => String(port)));
    const ofEach = environmentsIn(env);
    for (const name of serviceNames)
      expect(ofEach[name]).toMatchObject({ STACK: 'sync', DATABASE_URL: expect.stringContaining(`//fs_${name}:`) });
    expect(env).not.toHaveProperty('DATABASE_URL');
  });

  test('tells other commands, Prometheus among them, and has loaded the demo data', async () => {
    const { layout, processes } = findRunningStack(stack.dataDir);
    expect(layout).toBe('shared');
    expect(processes).toEqual(stack.processes);
    const targets = JSON.parse(await readFile(join(stack.dataDir, 'run/prometheus.json'), 'utf8')) as {
      labels: { instance: string };
    }[];
    const names = serviceNames.flatMap((name) => [`${name}-1`, `${name}-2`]);
    expect(targets.map(({ labels }) => labels.instance).toSorted()).toEqual(names.toSorted());
    expect(await readFile(join(stack.dataDir, 'logs/demo-user.log'), 'utf8')).toBe('7 shoppers\n');
  });

  test('brings a process back that was killed, or has been stopped', async () => {
    const pidOf = (name: string) => stack.processes.find((one) => one.name === name)?.pid;
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      const before = pidOf('services-1');
      stack.kill('services-1', signal);
      await until(() => ![undefined, before].includes(pidOf('services-1')));
    }
  });
});

describe('an asynchronous stack', () => {
  const async = (options: Partial<StackOptions> = {}) =>
    aStack({ stack: 'async', dataDir: join(home, 'async-data'), ...options });

  test('has a RabbitMQ of its own, and tells the services and other commands where', async () => {
    const log: string[] = [];
    const stack = await async({ onLog: (line) => log.push(line) });
    try {
      expect(log[0]).toContain('RabbitMQ');
      expect(await opensConnection(stack.amqpUrl ?? '')).toBe(true);
      const { env } = await ask(stack, '/api/orders');
      expect(env).toMatchObject({ STACK: 'async', AMQP_URL: expect.stringContaining('//order:') });
      expect(stack.amqpUrl).toContain('//operator:');
      // What the services only look for.
      await withChannel(env.AMQP_URL!, checkTopology);
      expect(findRunningStack(stack.dataDir).amqpUrl).toBe(stack.amqpUrl);
      expect(stack.processes.map(({ name }) => name)).toEqual(expect.arrayContaining(['epmd', 'rabbitmq']));
      await stack.rabbitmq.stop();
      expect(await opensConnection(stack.amqpUrl ?? '')).toBe(false);
    } finally {
      const pids = stack.processes.flatMap(({ pid }) => pid ?? []);
      await stack.stop();
      expect(pids.filter((pid) => identityOf(pid))).toEqual([]);
    }
  });

  test('takes one that is given', async () => {
    const vhost = await createTestVhost();
    // As somebody has it who starts the first time.
    await withChannel(vhost.url, (channel) => channel.deleteQueue('order'));
    const stack = await async({ amqpUrl: vhost.url });
    try {
      const { env } = await ask(stack, '/api/orders');
      expect([env.AMQP_URL, stack.amqpUrl]).toEqual([vhost.url, vhost.url]);
      await withChannel(vhost.url, checkTopology);
      expect(env).not.toHaveProperty('RATE_LIMIT_EXEMPT'); // without the demo everybody counts
      expect(stack.processes.map(({ name }) => name)).not.toContain('rabbitmq');
      await expect(stack.rabbitmq.stop()).rejects.toThrow('no rabbitmq of its own');
    } finally {
      await stack.stop();
      await vhost.drop();
    }
  });

  test('does not start on one that it cannot set up, and says so', async () => {
    await expect(async({ amqpUrl: 'amqp://127.0.0.1:9' })).rejects.toThrow(/RabbitMQ cannot be set up: .*ECONNREFUSED/);
  });
});

describe('a stack without RabbitMQ, on data that one with it has used', () => {
  let vhost: TestVhost;
  beforeEach(async () => {
    vhost = await createTestVhost();
    await mkdir(folder(), { recursive: true });
    await rm(join(folder(), 'brokers.json'), { force: true });
    notePlaces(folder(), placeOf(vhost.url));
  });
  afterEach(() => vhost.drop());
  const folder = () => join(home, 'left-data');
  const start = (options: Partial<StackOptions> = {}) => aStack({ dataDir: folder(), amqpUrl: vhost.url, ...options });
  const put = (queue: string) =>
    withChannel(vhost.url, async (channel) => {
      channel.sendToQueue(queue, Buffer.from('{}'));
      await channel.waitForConfirms();
    });
  /** Stand in for services, and take from their queues whatever is there. */
  const consumers = () =>
    fakeServices(
      'consumers',
      fakeService,
      `
      import { connect } from ${JSON.stringify(import.meta.resolve('amqplib'))};
      ${fakeServicesTogether}
      const { ORDER__STACK: stack, ORDER__AMQP_URL: url } = process.env;
      if (stack === 'async') {
        const channel = await (await connect(url)).createChannel();
        await channel.consume('order', (message) => channel.ack(message));
      }`,
    );

  test('looks closely though nothing seems to be left there, and once only', async () => {
    const rabbitmqIn = async () => {
      const log: string[] = [];
      const stack = await start({ onLog: (line) => log.push(line) });
      await stack.stop();
      return log.filter((line) => line.includes('RabbitMQ'));
    };
    expect(await rabbitmqIn()).toContain('RabbitMQ seems to hold nothing of this data: looking closely …');
    expect(await rabbitmqIn()).toEqual([]);
  });

  test('leaves alone a broker that this data has not used, though its address is given: another shop sells there', async () => {
    await put('order');
    notePlaces(folder(), 'elsewhere');
    for (const place of [placeOf(vhost.url), 'elsewhere']) forgetPlace(folder(), place);
    const log: string[] = [];
    const stack = await start({ servicesRoot: await consumers(), onLog: (line) => log.push(line) });
    await stack.stop();
    expect(log).toContainEqual(expect.stringMatching(/^AMQP_URL is given, but .* it is left alone$/));
    expect(await countWaiting(vhost.url)).toBe(1);
  });

  test('has what is left there handled first, what comes back from retries, too; dead letters stay, and it says so', async () => {
    await put('order');
    await put(deadQueueOf('payment'));
    await withChannel(vhost.url, async (channel) => {
      channel.publish(retrySteps[1].exchange, 'order', Buffer.from('{}'));
      await channel.waitForConfirms();
    });
    const log: string[] = [];
    const stack = await start({ servicesRoot: await consumers(), onLog: (line) => log.push(line) });
    try {
      expect(await countWaiting(vhost.url)).toBe(0);
      // On a slow machine the retry is due by now.
      const holds = /^RabbitMQ still holds events \((order: 1, retry\.5s: 1|order: 2)\): handling them first …$/;
      expect(log).toContainEqual(expect.stringMatching(holds));
      expect(log).toContainEqual(expect.stringMatching(/but dead letters \(payment: 1\): npm run dlq/));
      const { env } = await ask(stack, '/api/orders');
      expect([env.STACK, env.AMQP_URL]).toEqual(['sync', undefined]);
      expect(stack.processes.map(({ name }) => name)).not.toContain('consumers-1');
    } finally {
      await stack.stop();
    }
  });

  test('does not start while events are left, and says how to go on; nothing stays running', async () => {
    await put('order');
    await expect(start({ emptyBrokerWithinMs: 500 })).rejects.toThrow(
      /^RabbitMQ still holds events \(order: 1\), after 0\.5 s\. No stack was started.*: start again .*consumers-1\.log\.$/,
    );
    expect(existsSync(join(folder(), 'run/processes.json'))).toBe(false);
    expect(await countWaiting(vhost.url)).toBe(1);
  });

  test('can be broken off meanwhile', async () => {
    await put('order');
    const breakOff = new AbortController();
    const onLog = (line: string) =>
      void (line.includes('handling them first') && setTimeout(() => breakOff.abort(), 200));
    await expect(start({ signal: breakOff.signal, onLog })).rejects.toThrow('broken off');
    expect(existsSync(join(folder(), 'run/launcher.json'))).toBe(false);
  });

  test('does not start while the broker that is given is away, and says so in one sentence', async () => {
    const dataDir = join(home, 'left-away');
    await mkdir(dataDir, { recursive: true });
    notePlaces(dataDir, '127.0.0.1:9');
    await expect(start({ dataDir, amqpUrl: 'amqp://127.0.0.1:9' })).rejects.toThrow(
      /^The RabbitMQ at 127\.0\.0\.1:9 \(AMQP_URL\) may still hold events of this data and cannot be reached \(.*ECONNREFUSED.*\)\. No service was started, and nothing was changed: start it, or, .*$/,
    );
    expect(existsSync(join(dataDir, 'data'))).toBe(false);
  });

  test('does not start without the address of one that was given to another stack, until it is seen to be empty', async () => {
    const place = new URL(vhost.url).host;
    await (await start({ stack: 'async' })).stop();
    await expect(start({ amqpUrl: undefined })).rejects.toThrow(
      new RegExp(`^The RabbitMQ at ${place}/.* may still hold events of this data\\. No service was started.*AMQP_URL`),
    );
    await (await start()).stop();
    await (await start({ amqpUrl: undefined })).stop();
  });
});

describe('a stack with metrics', () => {
  const dataDir = () => join(home, 'metrics-data');
  const log: string[] = [];
  const withMetrics = () => aStack({ dataDir: dataDir(), metrics: true, onLog: (line) => log.push(line) });
  let stack: Stack | undefined;
  afterEach(() => stack?.stop());

  test('has an InfluxDB of its own, and tells the services and other commands where', async () => {
    stack = await withMetrics();
    const influxUrl = stack.influxUrl ?? '';
    expect((await ask(stack, '/api/orders')).env).toMatchObject({
      INFLUX_URL: new URL(influxUrl).origin,
      INFLUX_TOKEN: stack.secrets.influxToken,
      INFLUX_ORG: 'flash-sale',
      INFLUX_BUCKET: 'flash_sale',
    });
    expect(findRunningStack(stack.dataDir).influxUrl).toBe(influxUrl);
    const [databases] = await influxql(influxUrl, 'SHOW DATABASES');
    expect(databases?.values.flat()).toContain('flash_sale');

    stack.kill('influxdb');
    await until(() => influxql(influxUrl, 'SHOW DATABASES').then(Boolean, () => false));
    const pids = stack.processes.flatMap(({ pid }) => pid ?? []);
    await stack.stop();
    expect(pids.filter((pid) => identityOf(pid))).toEqual([]);
  });

  test('runs without them when InfluxDB does not let it in', async () => {
    const file = join(dataDir(), 'secrets.json');
    const secrets = JSON.parse(await readFile(file, 'utf8')) as Secrets;
    await writeFile(file, JSON.stringify({ ...secrets, influxToken: 'another' }));
    stack = await withMetrics();
    expect(log).toContainEqual(expect.stringMatching(/^no metrics: InfluxDB answers 401/));
    expect(stack.influxUrl).toBeUndefined();
    expect((await ask(stack, '/api/orders')).env).not.toHaveProperty('INFLUX_URL');
    expect(stack.processes.map(({ name }) => name)).not.toContain('influxdb');
  });
});

describe('a start that fails', () => {
  test('says who holds the port at which the PROXY protocol is to be spoken', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const env = { EDGE_PROXY_PROTOCOL_PORT: String((holder.address() as AddressInfo).port) };
    try {
      const sentence = /^port \d+ is taken by .*: npm start -- --set EDGE_PROXY_PROTOCOL_PORT=\d+$/;
      await expect(aStack({ dataDir: join(home, 'taken'), env })).rejects.toThrow(sentence);
    } finally {
      holder.close();
    }
  });

  test('says why a service does not come up, and stops everything', async () => {
    const broken = await fakeServices('broken', "console.error('DATABASE_URL: no such thing'); process.exit(1);");
    const dataDir = join(home, 'broken-data');
    const start = aStack({ dataDir, servicesRoot: broken });
    await expect(start).rejects.toThrow(/ended \(code 1\) 5 times.*DATABASE_URL: no such thing/s);
    expect(existsSync(join(dataDir, 'run/processes.json'))).toBe(false);
  });

  test('is not repeated where a service cannot use its configuration', async () => {
    const source = "console.error('HOLD_TTL_MS: no such thing'); process.exit(78);";
    const log: string[] = [];
    const start = aStack({
      dataDir: join(home, 'unusable-data'),
      servicesRoot: await fakeServices('unusable', source),
      onLog: (line) => log.push(line),
    });
    await expect(start).rejects.toThrow(/ended \(code 78\): its configuration is not usable\..*HOLD_TTL_MS: no such/s);
    expect(log.filter((line) => line.includes('starting it again'))).toEqual([]);
  });

  test('can be broken off at any time', async () => {
    const dataDir = join(home, 'broken-off-data');
    // So that no machine is too fast for it: these never come up.
    const idle = await fakeServices('idle', 'process.stdin.resume();');
    for (const afterMs of [0, 50, 400, 900]) {
      const start = aStack({ dataDir, servicesRoot: idle, signal: AbortSignal.timeout(afterMs) });
      await expect(start).rejects.toThrow('broken off');
      expect(existsSync(join(dataDir, 'run/launcher.json'))).toBe(false);
    }
  });
});
