import { describe, expect, test } from '@jest/globals';
import { faultKinds, faultsOf } from './faults.ts';

const instances = (...services: ('order' | 'payment')[]) =>
  services.flatMap((service) => [1, 2].map((n) => ({ name: `${service}-${n}`, service })));
const server = (name: string) => ({ name, service: undefined });

describe('the faults of a stack', () => {
  test('each service is killed whole and in part, by what a shopper does meanwhile', () => {
    const found = faultsOf(instances('order', 'payment'), ['kill-both', 'kill-one']);
    expect(found.map(({ victims, moment }) => `${victims.join('+')} ${moment}`)).toEqual([
      'order-1+order-2 reserve',
      'order-1+order-2 pay',
      'payment-1+payment-2 reserve',
      'payment-1+payment-2 pay',
      'order-1 reserve',
      'order-1 pay',
      'payment-1 reserve',
      'payment-1 pay',
    ]);
  });

  test('a server that this stack does not have is not broken', () => {
    const found = faultsOf([server('postgres'), server('nginx'), server('epmd')], ['kill-server', 'freeze']);
    expect(found.map(({ title }) => title)).toEqual([
      'kill -9 postgres',
      'kill -9 nginx',
      'freeze postgres',
      'freeze nginx',
    ]);
  });

  test('every kind has a fault, and each has a victim', () => {
    const found = faultsOf([...instances('order', 'payment'), server('redis')], faultKinds);
    expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
    expect(found.filter(({ victims }) => victims.length === 0)).toEqual([]);
  });

  test('services that share their processes die together', () => {
    const holds = (['order', 'payment'] as const).map((service) => ({ service, port: 1 }));
    const shared = ['services-1', 'services-2'].map((name) => ({ name, service: undefined, holds }));
    const victims = faultsOf(shared, faultKinds).map((fault) => `${fault.kind} ${fault.victims.join('+')}`);
    expect(victims).toEqual([
      'kill-both services-1+services-2',
      'kill-both services-1+services-2',
      'kill-one services-1',
      'kill-one services-1',
      'kill-waiting services-1+services-2',
      'kill-all services-1+services-2',
      'freeze services-1',
    ]);
  });

  test('without a payment service nobody can wait there', () => {
    expect(faultsOf(instances('order'), ['kill-waiting'])).toEqual([]);
  });
});
