import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDeathSignal } from '../../infra/launcher/death-signal.ts';
import { preparePrograms } from '../../infra/launcher/programs.ts';
import { accepts, freePort } from '../../infra/launcher/free-port.ts';
import { unprivilegedUser } from '../../infra/launcher/unprivileged.ts';
import type { ProcessTree } from './usage.ts';

export interface ProgramToBalance {
  /** Part of the names of its processes. */
  name: string;
  /** Of Node; its arguments are the port to listen on, and which instance it is, from 1. */
  script: string;
  env?: Record<string, string>;
}

export interface BalancedProgram extends AsyncDisposable {
  url: string;
  processes: ProcessTree[];
}

const instances = [1, 2];
const readyWithinMs = 15_000;

/** Two processes of a program behind an nginx of their own, set up like that of a stack. Throws if one does not come up. */
export async function startBehindNginx(
  { name, script, env }: ProgramToBalance,
  folder: string,
): Promise<BalancedProgram> {
  const [nginx = 'nginx'] = (await preparePrograms(['nginx'], console.log)).nginx;
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711); // nginx's workers may be another user
  const upstreamPorts = await Promise.all(instances.map(freePort));
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  const user = await unprivilegedUser('nginx');
  await writeFile(config, nginxConfig({ folder, port, upstreamPorts, user: user && `${user.user} ${user.group}` }));
  const children = [
    ...instances.map((instance, at) =>
      start(process.execPath, [script, String(upstreamPorts[at]), String(instance)], env),
    ),
    start(nginx, ['-p', folder, '-c', config]),
  ];
  const stop = () => Promise.all(children.map(end)).then(() => undefined);
  try {
    for (const one of [...upstreamPorts, port]) await untilItAccepts(one, name);
  } catch (error) {
    await stop();
    throw error;
  }
  const names = [...instances.map((instance) => `${name}-${instance}`), 'nginx'];
  const processes = children.map(({ pid = 0 }, at) => ({ name: names[at]!, pid }));
  return { url: `http://127.0.0.1:${port}`, processes, [Symbol.asyncDispose]: stop };
}

function start(command: string, args: string[], env?: Record<string, string>): ChildProcess {
  const [wrapped, wrappedArgs] = withDeathSignal('SIGTERM', command, args);
  return spawn(wrapped, wrappedArgs, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  });
}

async function untilItAccepts(port: number, name: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  while (!(await accepts(port))) {
    if (Date.now() > deadline) throw new Error(`the ${name} program does not answer on port ${port}`);
    await sleep(50);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

interface NginxSite {
  folder: string;
  port: number;
  upstreamPorts: number[];
  /** Of the workers, when nginx is started by root. */
  user: string | undefined;
}

/** The balancing, workers and kept connections of nginx/nginx.conf.template, and nothing else of it. */
function nginxConfig({ folder, port, upstreamPorts, user }: NginxSite): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
${user ? `user ${user};` : ''}
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx-error.txt warn;
events { worker_connections 8192; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  keepalive_timeout 60s;
  keepalive_requests 1000000;
  upstream program {
    zone program 128k;
    ${upstreamPorts.map((upstream) => `server 127.0.0.1:${upstream};`).join(' ')}
    keepalive 128;
    keepalive_timeout 60s;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://program;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
}
