import { readFileSync } from 'node:fs';
import { copyFile, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { edgeEnvironment } from './edge-settings.ts';
import { accepts } from './free-port.ts';
import { renderNginxConfig, type NginxSettings } from './nginx-config.ts';
import { runCommand } from './run-command.ts';
import { StartFailed, type Program } from './supervised.ts';
import type { RunAs } from './unprivileged.ts';

export const templates = join(import.meta.dirname, '../../nginx');

interface NginxOptions extends Pick<NginxSettings, 'balance'> {
  executable: string;
  /** Of who starts it: nobody else may write there (`masterFolder`). */
  folder: string;
  logFile: string;
  /** As nginx writes them. */
  publicAddresses: string[];
  publicPort: number;
  internalPort: number;
  /** Where the instances of each service listen, all on loopback. */
  ports: Record<ServiceName, number[]>;
  /** What edge.sh reads; other settings may stand beside. */
  edge?: Record<string, string>;
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
  publicAddresses,
  publicPort,
  internalPort,
  balance,
  ports,
  edge = {},
  runAs,
}: NginxOptions): Promise<Program> {
  const template = await readFile(join(templates, 'nginx.conf.template'), 'utf8');
  const onLoopback = serviceNames.map((name) => [name, ports[name].map((port) => `127.0.0.1:${port}`)]);
  const config = renderNginxConfig(template, {
    dataDir: '.',
    accessLog: 'access.log',
    publicListen: publicAddresses.map((address) => `${address}:${publicPort}`),
    internalListen: `127.0.0.1:${internalPort}`,
    balance,
    servers: Object.fromEntries(onLoopback) as Record<ServiceName, string[]>,
    openFiles: Math.min(65_536, hardLimitOfOpenFiles()),
    runAs,
  });
  for (const name of ['problems.conf', 'cors.conf']) await copyFile(join(templates, name), join(folder, name));
  await writeEdgeSettings(folder, edge, publicAddresses, [publicPort, internalPort]);
  // The one log of this program, by a name that needs no quoting.
  await rm(join(folder, 'access.log'), { force: true });
  await symlink(logFile, join(folder, 'access.log'));
  return nginxWith({ name: 'nginx', executable, folder, logFile, config, port: internalPort });
}

/** The part of the configuration that edge.sh writes. @throws StartFailed, with a sentence, for what cannot be used */
async function writeEdgeSettings(
  folder: string,
  edge: Record<string, string>,
  addresses: string[],
  ports: number[],
): Promise<void> {
  const env = edgeEnvironment(edge, { addresses, ports });
  const { code, output } = await runCommand('/bin/sh', [join(templates, 'edge.sh'), folder], { env });
  if (code !== 0) throw new StartFailed(output);
}

/**
 * An nginx of this configuration, which listens on this port, among others. It runs in its folder, and all paths of the
 * configuration are relative: nginx has no way to quote some characters. What its workers write to, it makes and gives to
 * them itself.
 */
export async function nginxWith(options: {
  name: string;
  executable: string;
  folder: string;
  logFile: string;
  config: string;
  port: number;
}): Promise<Program> {
  const { name, executable, folder, logFile, config, port } = options;
  // Only the master reads it, and there may be a secret in it.
  await writeFile(join(folder, 'nginx.conf'), config, { mode: 0o600 });
  return {
    name,
    command: executable,
    args: ['-p', '.', '-c', 'nginx.conf'],
    env: { PATH: process.env.PATH },
    cwd: folder,
    input: 'none',
    logFile,
    stopSignal: 'SIGQUIT', // closes the listeners, and lets open requests end
    stopWithinMs: 3_000,
    deathSignal: 'SIGTERM', // a killed master would leave its workers behind
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
