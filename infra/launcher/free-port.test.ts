import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { accepts, freePort, isFree, reserve } from './free-port.ts';

test('a free port is free, below those of outgoing connections, and given only once', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  expect(new Set(ports).size).toBe(20);
  for (const port of ports) {
    expect(port).toBeLessThan(32_768);
    expect(await isFree(port, '127.0.0.1')).toBe(true);
  }
});

test('nobody else is given a port that was given to us, though nobody listens there yet', async () => {
  expect(await reserve(await freePort())).toBe(false);
});

test('a port that somebody listens on is not free', async () => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    expect(await isFree(port, '127.0.0.1')).toBe(false);
    expect(await accepts(port)).toBe(true);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  expect(await accepts(port)).toBe(false);
});
