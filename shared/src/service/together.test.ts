import { expect, test } from '@jest/globals';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { testConfig } from '../testing/service.ts';
import { commonSchema } from '../config.ts';
import type { TransportFactory } from './definition.ts';
import { processConfigOf, startTogether, type Startable } from './together.ts';

const transport: TransportFactory = () => {
  throw new Error('nobody asks for it here');
};

/** Services that write down what becomes of them; `release` lets one become idle. */
function fakes(...names: ServiceName[]) {
  const happened: string[] = [];
  const releases = new Map<ServiceName, () => void>();
  const services = names.map((name): Startable => {
    const idle = Promise.withResolvers<void>();
    releases.set(name, idle.resolve);
    const stop = async (othersIdle?: Promise<unknown>) => {
      happened.push(`${name} drains`);
      await idle.promise;
      await othersIdle;
      happened.push(`${name} stopped`);
    };
    const open = () => {
      happened.push(`${name} opens`);
      return Promise.resolve({ url: '', idle: idle.promise, stop });
    };
    const close = () => Promise.resolve(void happened.push(`${name} closed`));
    const prepare: Startable['prepare'] = (_, processAs) => {
      happened.push(`${name} starts, process told as ${processAs}`);
      return Promise.resolve({ open, close });
    };
    return { name, config: testConfig(commonSchema), prepare };
  });
  return { services, happened, release: (name: ServiceName) => releases.get(name)!() };
}

test('services of one process start at once, and one of them tells the figures of the process, as of none of them', async () => {
  const { services, happened } = fakes('user', 'order', 'payment');
  await startTogether(services, transport);
  expect(happened.slice(0, 3)).toEqual([
    'user starts, process told as services',
    'order starts, process told as null',
    'payment starts, process told as null',
  ]);
});

test('none begins anything before all are there', async () => {
  const { services, happened } = fakes('user', 'order');
  const there = Promise.withResolvers<void>();
  const { prepare } = services[1]!;
  services[1]!.prepare = async (...given) => {
    await there.promise;
    return prepare(...given);
  };
  const started = startTogether(services, transport);
  await new Promise(setImmediate);
  expect(happened).toEqual(['user starts, process told as services']);
  there.resolve();
  await started;
  expect(happened.slice(1)).toEqual(['order starts, process told as null', 'user opens', 'order opens']);
});

test('they drain at once, and none goes on from there while another may still begin something', async () => {
  const { services, happened, release } = fakes('user', 'order');
  const running = await startTogether(services, transport);
  happened.splice(0);
  const stopped = running.stop();
  release('user');
  await new Promise(setImmediate);
  expect(happened).toEqual(['user drains', 'order drains']);
  release('order');
  await stopped;
  expect(happened.slice(2).toSorted()).toEqual(['order stopped', 'user stopped']);
});

test('when some cannot start, each is named with its reason, and the others are closed without having done anything', async () => {
  const { services, happened } = fakes('user', 'order', 'payment');
  services[1]!.prepare = () => Promise.reject(new Error('no database'));
  services[2]!.prepare = () => Promise.reject(new Error('port taken'));
  await expect(startTogether(services, transport)).rejects.toThrow(/^order: no database; payment: port taken$/);
  expect(happened).toEqual(['user starts, process told as services', 'user closed']);
});

test('so it is when one cannot listen; those that can are stopped', async () => {
  const { services, happened, release } = fakes('user', 'order');
  const prepared = { open: () => Promise.reject(new Error('port taken')), close: () => Promise.resolve() };
  services[1]!.prepare = () => Promise.resolve(prepared);
  release('user');
  await expect(startTogether(services, transport)).rejects.toThrow(/^order: port taken$/);
  expect(happened.at(-1)).toBe('user stopped');
});

test.each([
  ['STACK', 'sync', 'async'],
  ['RUN_AS', '5:5', '6:6'],
  ['LAUNCHER_PIPE', '0', '1'],
])('what is the process’s is the same for all of them: %s', (name, one, other) => {
  const { services } = fakes('user', 'order');
  const [user, order] = services as [Startable, Startable];
  const given = (value: string) => testConfig(commonSchema, { [name]: value });
  expect(
    processConfigOf([
      { ...user, config: given(one) },
      { ...order, config: given(one) },
    ]),
  ).toMatchObject(given(one));
  const disagreeing = [
    { ...user, config: given(one) },
    { ...order, config: given(other) },
  ];
  expect(() => processConfigOf(disagreeing)).toThrow(new RegExp(`^${name} is the same for all`));
});
