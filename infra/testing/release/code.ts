import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, closeSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../launcher/run-command.ts';
import type { Stack } from '../../launcher/stack-types.ts';
import { linkPackages } from '../../link-packages.ts';
import { folderOf, releases } from './fixture.ts';

const ourPackages = join(import.meta.dirname, '../../../node_modules');
const readyWithinMs = 60_000;
const stopWithinMs = 20_000;

const codeOf = (release: string) => join(folderOf(release), 'code.tar.gz');

/** The releases whose services can be run. */
export const releasesWithCode: readonly string[] = releases.filter((release) => existsSync(codeOf(release)));

/**
 * Unpacks the services of a release, with the packages that are installed here. For one that is not there any more the release
 * has a stand-in.
 * @param folder is made @returns the folder with one folder per service, each with src/main.ts
 */
export async function unpackServices(release: string, folder: string): Promise<string> {
  await mkdir(folder);
  const { code, output } = await runCommand('tar', ['-xzf', codeOf(release), '-C', folder]);
  if (code !== 0) throw new Error(`${codeOf(release)} could not be unpacked: ${output}`);
  const packages = join(folder, 'node_modules');
  await linkPackages(ourPackages, packages);
  const standIns = join(folderOf(release), 'stand-ins');
  for (const name of existsSync(standIns) ? await readdir(standIns) : []) {
    await rm(join(packages, name), { force: true });
    await cp(join(standIns, name), join(packages, name), { recursive: true });
  }
  return join(folder, 'services');
}

/**
 * Runs a process of a release in the place of one of a stack, which is stopped for it: on its port, with its settings, and as the
 * users of Redis and RabbitMQ that all services once shared.
 * @param name as in `order-2` @returns puts the stack's own process back
 */
export async function replaceByRelease(stack: Stack, name: string, servicesRoot: string): Promise<() => Promise<void>> {
  const { service, pid, port } = stack.processes.find((one) => one.name === name)!;
  const settings = await environmentOf(pid!);
  await stack.stopProcess(name);
  const log = openSync(join(stack.dataDir, 'logs', `${name}-of-release.log`), 'a');
  const main = join(servicesRoot, service!, 'src/main.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
    env: {
      ...settings,
      REDIS_URL: stack.redisAdminUrl,
      ...(stack.amqpAdminUrl === undefined ? {} : { AMQP_URL: stack.amqpAdminUrl }),
    },
    // It ends with us, when this pipe does.
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    const slow = await Promise.race([ended, sleep(stopWithinMs, 'slow', { ref: false })]);
    if (slow === 'slow') child.kill('SIGKILL');
    await ended;
  };
  try {
    await untilReady(port, ended);
  } catch (error) {
    await stop();
    throw new Error(`${name} of the release did not start; see its log in ${stack.dataDir}/logs`, { cause: error });
  }
  return async () => {
    await stop();
    await stack.startProcess(name);
  };
}

async function environmentOf(pid: number): Promise<Record<string, string>> {
  const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter(Boolean);
  return Object.fromEntries(variables.map((one) => one.split(/=(.*)/s).slice(0, 2))) as Record<string, string>;
}

async function untilReady(port: number, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => (isOver = true));
  const deadline = performance.now() + readyWithinMs;
  while (performance.now() < deadline && !isOver) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error(isOver ? 'it has ended' : `it is not ready after ${readyWithinMs / 1_000} s`);
}
