import { expect, test } from '@jest/globals';
import { welcome, type Accounts } from './welcome.ts';

const process1 = { name: 'user-1', service: 'user', instance: 1, pid: 1, port: 3001 } as const;
const started = { url: 'http://127.0.0.1:8080', stack: 'sync', layout: 'separate', dataDir: '/data' } as const;
const said = (accounts: Partial<Accounts>, influxUrl?: string, tracesFolder?: string) =>
  welcome(
    { ...started, influxUrl, tracesFolder, processes: [process1] },
    { demoShoppers: undefined, adminEmail: undefined, ...accounts },
  ).join('\n');

test('a start says where the shop is, at the end in a line for programs', () => {
  expect(said({})).toContain('shop API      http://127.0.0.1:8080/api/products');
  expect(said({})).toMatch(/\nready http:\/\/127\.0\.0\.1:8080$/);
});

test('it says who may come in: accounts of the demo, the admin of ADMIN_EMAIL, or how there comes to be one', () => {
  expect(said({ demoShoppers: 7 })).toMatch(/accounts .*shopper7@example\.com\n.*flash-sale-demo/);
  const own = said({ adminEmail: 'you@example.com' });
  expect(own).toMatch(/^ {2}admin {9}you@example\.com, with the password of ADMIN_PASSWORD$/m);
  expect(own).not.toContain('flash-sale-demo');
  expect(said({ demoShoppers: 7, adminEmail: 'you@example.com' })).toMatch(/flash-sale-demo\n {2}admin .*you@/);
  expect(said({})).toMatch(/accounts .*ADMIN_EMAIL.*your-own-sale\.md/);
});

test('it tells of dashboards where there are metrics for them', () => {
  expect(said({}, 'http://127.0.0.1:1/query?db=x')).toContain('infra/grafana/README.md');
  expect(said({})).not.toContain('grafana');
});

test('it tells how to look at traces where they are kept', () => {
  expect(said({}, undefined, '/data/traces')).toContain('npm run trace --');
  expect(said({})).not.toContain('trace');
});
