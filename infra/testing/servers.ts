import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../launcher/free-port.ts';
import { postgresProgram, postgresUrl } from '../launcher/postgres.ts';
import { preparePrograms } from '../launcher/programs.ts';
import { redisProgram, redisUrl } from '../launcher/redis.ts';
import { Supervised, type Observer, type Program } from '../launcher/supervised.ts';
import { serverFolder, unprivilegedUser } from '../launcher/unprivileged.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A server of its own for tests, in a folder that goes away with it. */
export interface TestServer {
  url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

// Tests are about the services: restarts are not, and a server that does not come up fails the test by itself.
const observer: Observer = {
  say: () => undefined,
  started: () => undefined,
  ended: () => undefined,
  gaveUp: () => undefined,
};
const password = 'test';

/** Without fsync: what a test commits need not survive a power failure, and should not wait for a disk. */
export function startTestPostgres(): Promise<TestServer> {
  return startServer('postgres', async ({ folder, logFile, port, runAs }) => {
    const executables = (await preparePrograms(['postgres'], console.log)).postgres;
    const program = await postgresProgram({ executables, folder, logFile, port, password, runAs, durable: false });
    return { program, url: postgresUrl(port, password) };
  });
}

export function startTestRedis(): Promise<TestServer> {
  return startServer('redis', async ({ folder, logFile, port, runAs }) => {
    const [executable = 'redis-server'] = (await preparePrograms(['redis'], console.log)).redis;
    return {
      program: redisProgram({ executable, folder, logFile, port, password, runAs }),
      url: redisUrl(port, password),
    };
  });
}

interface Place {
  folder: string;
  logFile: string;
  port: number;
  runAs: Awaited<ReturnType<typeof unprivilegedUser>>;
}

async function startServer(
  name: string,
  prepare: (place: Place) => Promise<{ program: Program; url: string }>,
): Promise<TestServer> {
  const home = await temporaryFolder(name);
  const runAs = await unprivilegedUser();
  const folder = await serverFolder(home, name, runAs);
  const { program, url } = await prepare({ folder, logFile: join(home, 'log'), port: await freePort(), runAs });
  const server = new Supervised(program, observer);
  const killOnExit = () => server.killNow();
  process.once('exit', killOnExit);
  const close = async () => {
    await server.stop();
    process.off('exit', killOnExit);
    await rm(home, { recursive: true, force: true });
  };
  try {
    await server.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { url, stop: () => server.stop(), start: () => server.start(), close };
}
