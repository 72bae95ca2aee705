import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, connect } from 'node:net';

// Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections: under load those
// are so many that a server that restarts would find its port in use.
const lowest = 20_000;
const highest = 32_000;
const handedOut = new Set<number>();

/**
 * A TCP port on loopback which is free now, and which neither this process has handed out before nor another one that
 * still runs: seconds may pass until a server listens there.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(lowest, highest);
    if (handedOut.has(port) || !(await isFree(port, '127.0.0.1'))) continue;
    handedOut.add(port);
    if (await reserve(port)) return port;
  }
  throw new Error(`no free port found between ${lowest} and ${highest}`);
}

/**
 * Keeps other processes that ask for a free port from this one, until we end: by the UDP port of the same number, which
 * none of our servers uses, and which the system gives to one process only.
 * @returns false if somebody has it
 */
export function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').unref();
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
}

/** Never hands out this port: somebody has chosen it. */
export function keepFree(port: number): void {
  handedOut.add(port);
}

/** Whether a server could listen there now. Ports that only root may open count as free: nginx will tell. */
export async function isFree(port: number, host: string): Promise<boolean> {
  return (await whyNotFree(port, host)) === undefined;
}

/** The same with the system's code for the reason: EADDRINUSE, or another for a host that is not this machine. */
export function whyNotFree(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EACCES' ? undefined : code));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Whether something accepts connections there. */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1_000 });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}
