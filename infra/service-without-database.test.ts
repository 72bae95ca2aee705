import { expect, jest, test } from '@jest/globals';
import * as events from '@flash-sale/contract/events/subscriptions.ts';
import * as contract from '@flash-sale/contract/services.ts';
import type { Snapshot } from './audit/snapshot.ts';
import type { StackContext } from './launcher/service-program.ts';

/* What is made of the list of services when one more is in it that has no database: everything but that. */

const watcher = 'watcher' as contract.ServiceName;
const services = { ...contract.services, watcher: { paths: {}, hasDatabase: false, furtherDatabases: [] } };
jest.unstable_mockModule('@flash-sale/contract/services.ts', () => ({
  ...contract,
  services,
  serviceNames: Object.keys(services),
}));
jest.unstable_mockModule('@flash-sale/contract/events/subscriptions.ts', () => ({
  ...events,
  subscriptions: { ...events.subscriptions, watcher: [] },
}));

const text = (value: unknown) => JSON.stringify(value);

test('it has no database, nor migrations', async () => {
  const { databases, databasesOf } = await import('./launcher/database-names.ts');
  const { migrations } = await import('./launcher/set-up.ts');
  expect(databases).not.toContain(watcher);
  expect(databasesOf(watcher)).toEqual([]);
  expect(Object.keys(migrations)).toEqual(expect.arrayContaining([...databases]));
  expect(migrations).not.toHaveProperty(watcher);
});

test('the launcher gives it an environment without one', async () => {
  const { environmentOf } = await import('./launcher/service-program.ts');
  const context = { databases: {}, redis: { watcher: 'redis://watcher@somewhere' }, secrets: {} };
  const env = environmentOf({ service: watcher, instance: 1, port: 1 }, context as unknown as StackContext);
  expect(env).toMatchObject({ REDIS_URL: 'redis://watcher@somewhere', PORT: '1' });
  expect(Object.keys(env).filter((name) => name.includes('DATABASE'))).toEqual([]);
});

test('so do Compose', async () => {
  const { blocksOfServers, blocksOfServices } = await import('./docker/compose-blocks.ts');
  const { 'process of all services': shared = [], service = [] } = blocksOfServices('');
  expect(text(shared)).toContain('WATCHER__REDIS_URL');
  expect(text(shared)).not.toContain('WATCHER__DATABASE_URL');
  const own = service.slice(service.indexOf('watcher-1:'));
  expect(text(own)).toContain('REDIS_URL');
  expect(text(own)).not.toContain('DATABASE_URL');
  expect(text(blocksOfServers()['database'])).not.toContain('WATCHER');
});

test('and Kubernetes', async () => {
  const { serviceManifests } = await import('./kubernetes/service-manifests.ts');
  const { blocksOf } = await import('./kubernetes/blocks.ts');
  const ofWatcher = serviceManifests('sync', '1').filter((one) => text(one).includes('"name":"watcher"'));
  expect(text(ofWatcher)).toContain('"REDIS_URL"');
  expect(text(ofWatcher)).not.toContain('DATABASE');
  for (const file of ['infrastructure/databases.yaml', 'base/set-up.yaml'])
    expect([file, text(blocksOf[file]).toLowerCase()]).toEqual([file, expect.not.stringContaining('watcher')]);
  expect(text(blocksOf['infrastructure/valkey-values.yaml'])).toContain('watcher');
});

test('the audit asks no outbox of it', async () => {
  const { nothingGivenUp } = await import('./audit/checks/outbox.ts');
  const { underWay } = await import('./audit/quiet.ts');
  const asked = new Set<string>();
  const query = (database: string) => {
    asked.add(database);
    return Promise.resolve([]);
  };
  const snapshot = { common: true, query } as unknown as Snapshot;
  await nothingGivenUp(1).run(snapshot);
  await underWay(snapshot, { stack: 'sync', maxAttempts: 1 });
  expect([...asked].sort()).toEqual([...contract.serviceNames].sort());
});
