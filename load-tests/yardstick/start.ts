import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDeathSignal } from '../../infra/launcher/death-signal.ts';
import { findExecutable } from '../../infra/launcher/find-executable.ts';
import { accepts, freePort } from '../../infra/launcher/free-port.ts';
import { unprivilegedUser } from '../../infra/launcher/unprivileged.ts';
import type { Root } from '../lib/usage.ts';
import { yardstickNginxConfig } from './nginx-config.ts';

export interface Yardstick extends AsyncDisposable {
  url: string;
  processes: Root[];
}

const readyWithinMs = 15_000;

/** Two Express processes that say hello, behind an nginx of their own. Throws if nginx is missing or one does not come up. */
export async function startYardstick(folder: string): Promise<Yardstick> {
  const nginx = findExecutable('nginx');
  if (!nginx) throw new Error('the yardstick needs nginx');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711); // nginx's workers may be another user
  const ports = [await freePort(), await freePort()];
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  const user = await unprivilegedUser('nginx');
  await writeFile(
    config,
    yardstickNginxConfig({ folder, port, upstreamPorts: ports, user: user && `${user.user} ${user.group}` }),
  );
  const hello = join(import.meta.dirname, 'hello.ts');
  const children = [
    ...ports.map((own) => start(process.execPath, [hello, String(own)])),
    start(nginx, ['-p', folder, '-c', config]),
  ];
  const stop = () => Promise.all(children.map(end)).then(() => undefined);
  try {
    for (const one of [...ports, port]) await untilItAccepts(one);
  } catch (error) {
    await stop();
    throw error;
  }
  const processes = children.map((child, at) => ({
    name: at < ports.length ? `hello-${at + 1}` : 'nginx',
    pid: child.pid ?? 0,
  }));
  return { url: `http://127.0.0.1:${port}`, processes, [Symbol.asyncDispose]: stop };
}

function start(command: string, args: string[]): ChildProcess {
  const [wrapped, wrappedArgs] = withDeathSignal('SIGTERM', command, args);
  return spawn(wrapped, wrappedArgs, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

async function untilItAccepts(port: number): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  while (!(await accepts(port))) {
    if (Date.now() > deadline) throw new Error(`the yardstick does not answer on port ${port}`);
    await sleep(50);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
