import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servicesIn } from '../infra/launcher/stack-types.ts';
import { startTestStack, type TestStack } from '../infra/testing/stack.ts';
import { temporaryFolder } from '../infra/testing/temporary-folder.ts';
import { bodyOf } from '../test-kit/http.ts';
import { Shop } from '../test-kit/stack/shop.ts';

const repository = join(import.meta.dirname, '..');
const withinMs = 300_000;

// Who is not root has nothing to give up.
(process.getuid?.() === 0 ? describe : describe.skip)('started by root, from a folder that only root may enter', () => {
  let copy: string;
  beforeAll(async () => {
    copy = await temporaryFolder('only-of-root');
    await mkdir(join(copy, 'code'));
    const parts = ['package.json', 'contract', 'shared', 'services', 'infra', 'load-tests', 'node_modules'];
    await run('cp', ['-a', '--link', ...parts.map((part) => join(repository, part)), join(copy, 'code')]).catch(() =>
      run('cp', ['-a', ...parts.map((part) => join(repository, part)), join(copy, 'code')]),
    );
    await chmod(join(copy, 'code'), 0o700);
  }, withinMs);
  afterAll(() => rm(copy, { recursive: true, force: true }), withinMs);

  // One with every server, and one with all services in each process.
  describe.each(['async', 'monolith'] as const)('the %s stack', (stack) => {
    let own: TestStack;
    beforeAll(async () => {
      const servicesRoot = join(copy, 'code/services');
      own = await startTestStack({ stack, servicesRoot, demo: { shoppers: 2 }, metrics: true });
    }, withinMs);
    afterAll(() => own?.close(), withinMs);

    test('sells, and shows its page', async () => {
      const shop = new Shop(own.stack);
      const shopper = await shop.aShopper();
      const { reservation } = await shopper.aPurchase(await shop.aProduct());
      expect((await shopper.order(reservation.orderId)).status).toBe('confirmed');
      const page = await fetch(`${own.stack.url}/api/docs/swagger-ui-bundle.js`);
      expect([page.status, (await page.text()).length > 100_000]).toEqual([200, true]);
      const email = `new-${Date.now()}@example.com`;
      bodyOf(await shop.call('POST', '/api/users', { body: { email, password: 'correct horse' } }), 201);
    });

    test('has no process of root but the masters of nginx, and no server that could read the data of another', () => {
      const users = own.stack.processes.map((one) => ({
        name: one.name,
        ofServices: servicesIn(one).length > 0,
        ...idsOf(one.pid!),
      }));
      const ofRoot = users.filter(({ uid, gid, groups }) => uid === 0 || gid === 0 || groups.includes(0));
      expect(ofRoot.map(({ name }) => name).filter((name) => !['nginx', 'influxdb-front'].includes(name))).toEqual([]);
      const servers = users.filter(({ name, ofServices }) => !ofServices && !ofRoot.some((one) => one.name === name));
      const owners = servers.map(({ name, uid }) => [uid, name === 'epmd' ? 'rabbitmq' : name] as const);
      expect(new Set(owners.map(([uid]) => uid)).size).toBe(new Set(owners.map(([, name]) => name)).size);
      const ofServices = users.filter((one) => one.ofServices).map(({ uid }) => uid);
      expect(new Set(ofServices).size).toBe(1);
      expect(owners.map(([uid]) => uid)).not.toContain(ofServices[0]);
    });
  });
});

const run = promisify(execFile);

function idsOf(pid: number): { uid: number; gid: number; groups: number[] } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const numbers = (name: string) =>
    (new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean);
  // Real, effective, saved and file system id: each would do for a way back.
  const lowest = (name: string) => Math.min(...numbers(name).map(Number));
  return { uid: lowest('Uid'), gid: lowest('Gid'), groups: numbers('Groups').map(Number) };
}
