import { readFileSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { services, type ServiceName } from './database-names.ts';
import { accepts } from './free-port.ts';
import { renderNginxConfig, type NginxSettings } from './nginx-config.ts';
import type { Program } from './supervised.ts';
import type { RunAs } from './unprivileged.ts';

export const templates = join(import.meta.dirname, '../../nginx');

interface NginxOptions extends Pick<NginxSettings, 'balance'> {
  executable: string;
  folder: string;
  logFile: string;
  publicHost: string;
  publicPort: number;
  internalPort: number;
  /** Where the instances of each service listen, all on loopback. */
  ports: Record<ServiceName, number[]>;
  runAs: RunAs | undefined;
}

/**
 * Writes the configuration and answers the program that runs it. Its master stays the user we are, so that it may
 * open a port below 1024 when started by root; the workers, which meet the requests, do not.
 */
export async function nginxProgram({
  executable,
  folder,
  logFile,
  publicHost,
  publicPort,
  internalPort,
  balance,
  ports,
  runAs,
}: NginxOptions): Promise<Program> {
  const template = await readFile(join(templates, 'nginx.conf.template'), 'utf8');
  const onLoopback = services.map((name) => [name, ports[name].map((port) => `127.0.0.1:${port}`)]);
  const config = renderNginxConfig(template, {
    dataDir: folder,
    errorLog: logFile,
    publicListen: `${publicHost.includes(':') ? `[${publicHost}]` : publicHost}:${publicPort}`,
    internalListen: `127.0.0.1:${internalPort}`,
    balance,
    servers: Object.fromEntries(onLoopback) as Record<ServiceName, string[]>,
    openFiles: Math.min(65_536, hardLimitOfOpenFiles()),
    runAs,
  });
  await copyFile(join(templates, 'problems.conf'), join(folder, 'problems.conf'));
  return nginxWith({ name: 'nginx', executable, folder, logFile, config, port: internalPort });
}

/** An nginx of this configuration, which listens on this port, among others. Only its owner may read its folder. */
export async function nginxWith(options: {
  name: string;
  executable: string;
  folder: string;
  logFile: string;
  config: string;
  port: number;
}): Promise<Program> {
  const { name, executable, folder, logFile, config, port } = options;
  await writeFile(join(folder, 'nginx.conf'), config);
  return {
    name,
    command: executable,
    args: ['-p', folder, '-c', join(folder, 'nginx.conf')],
    env: { PATH: process.env.PATH },
    cwd: folder,
    input: 'none',
    logFile,
    stopSignal: 'SIGQUIT', // closes the listeners, and lets open requests end
    stopWithinMs: 3_000,
    deathSignal: 'SIGTERM', // a killed master would leave its workers behind
    readyWithinMs: 15_000,
    isReady: () => accepts(port),
  };
}

/** Asking for more than this makes nginx complain at every start. */
function hardLimitOfOpenFiles(): number {
  try {
    const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? 65_536 : Number(limit);
  } catch {
    return 8_192; // macOS
  }
}
