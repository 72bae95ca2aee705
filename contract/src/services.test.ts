import { expect, test } from '@jest/globals';
import { operations } from './api/operations/index.ts';
import { idempotencyKey } from './api/operations/parameters.ts';
import { publicPaths, repeatablePosts, serviceNames, services } from './services.ts';

const ofServices = operations.filter(({ path }) => path.startsWith('/api/'));
const leadsTo = (path: string, prefix: string) => path === prefix || path.startsWith(`${prefix}/`);

test('every path of the API leads to one service', () => {
  expect(ofServices.length).toBeGreaterThan(20);
  for (const { path: asked } of ofServices)
    expect([asked, publicPaths.filter(({ path }) => leadsTo(asked, path)).length]).toEqual([asked, 1]);
});

test('nginx sends a POST again where it needs an Idempotency-Key, and nowhere else', () => {
  const posts = ofServices.filter(({ method }) => method === 'post');
  for (const { path: asked, parameters = [] } of posts) {
    const { kind } = publicPaths.find(({ path }) => leadsTo(asked, path))!;
    expect([asked, kind === 'repeatable']).toEqual([asked, parameters.includes(idempotencyKey)]);
  }
});

test('a POST that nginx sends again without a key is one of the API, and of the service that it leads to', () => {
  for (const { path, service } of repeatablePosts) {
    const found = ofServices.find((operation) => operation.method === 'post' && operation.path === path);
    expect(found?.parameters ?? []).not.toContain(idempotencyKey);
    expect([path, found?.path]).toEqual([path, path]);
    expect(publicPaths.find((one) => leadsTo(path, one.path))?.service).toBe(service);
  }
});

test('no two databases have the same name', () => {
  const names = serviceNames.flatMap((name): string[] => [name, ...services[name].furtherDatabases]);
  expect(new Set(names).size).toBe(names.length);
});
