import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { underNewNames } from '@flash-sale/shared/config.ts';
import { layoutRefusal, needsRabbitmq, stacks } from '@flash-sale/shared/stacks.ts';
import { countOf } from '../counted.ts';
import { assertBrokersReachable, emptyOtherBrokers } from './broker-leftovers.ts';
import { assertUsableFolder } from './data-folder.ts';
import { databases, type DatabaseName } from './database-names.ts';
import { loadOrEndDemo } from './demo.ts';
import { listenAddress } from './listen-address.ts';
import { proxyProtocolPort } from './edge-settings.ts';
import { assertPortIsFree } from './port-holder.ts';
import { ProcessRegister } from './process-register.ts';
import { ProcessSet } from './process-set.ts';
import { forgetRunningStack, recordRunningStack } from './running-stack.ts';
import { replicaName } from './replica.ts';
import { loadSecrets } from './secrets.ts';
import { startServers } from './servers.ts';
import { serviceProcesses, serviceProgram, type ServiceProcess, type StackContext } from './service-program.ts';
import { chooseInstances, choosePorts, runsRabbitmq, stopOrder, type Site } from './site.ts';
import type { ServerControl, Stack, StackOptions, StackProcess } from './stack-types.ts';
import { serverFolder, unprivilegedUser } from './unprivileged.ts';

const repository = join(import.meta.dirname, '../..');

/**
 * Starts a whole stack and resolves when it is ready. If anything fails, what was started is stopped again before this
 * rejects. Several stacks may run at a time, each in its own `dataDir`.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const say = options.onLog ?? (() => undefined);
  const host = options.host ?? '127.0.0.1';
  const layout = options.layout ?? stacks[options.stack].layouts[0];
  const refusal = layoutRefusal(options.stack, layout);
  if (refusal !== undefined) throw new Error(refusal);
  const dataDir = resolve(options.dataDir);
  const logsFolder = join(dataDir, 'logs');
  for (const folder of [dataDir, repository]) assertUsableFolder(folder);
  await mkdir(logsFolder, { recursive: true });
  const register = await ProcessRegister.claim(join(dataDir, 'run'), say);

  let ready: Stack | undefined;
  let stopping: Promise<void> | undefined;
  const life = new AbortController();
  const onAbort = () => life.abort(new Error('The start was broken off.'));
  options.signal?.addEventListener('abort', onAbort);
  if (options.signal?.aborted) onAbort();
  const processes = new ProcessSet(register, {
    say,
    changed: () => ready && !stopping && recordRunningStack(ready),
    gaveUp: (program, error) => {
      if (program.optional) return;
      life.abort(error);
      if (ready) void stop().then(() => options.onFailure?.(error));
    },
  });

  const release = () => {
    forgetRunningStack(dataDir);
    register.release();
  };
  let ofServices: ServiceProcess[] = [];
  const stop = () =>
    (stopping ??= processes
      .stopInOrder(
        stopOrder(
          ofServices.map(({ name }) => name),
          options.replicas ?? 0,
        ),
      )
      .finally(release));
  const killNow = () => {
    processes.killNow();
    release();
  };

  let starting: Promise<Started> | undefined;
  try {
    // Only now: the port may be held by what an earlier run left behind, or by the stack that runs on this folder.
    await assertPortIsFree(options.port ?? 0, host);
    const further = [proxyProtocolPort(options.env)].filter((port) => port !== undefined);
    await assertBrokersReachable({ options, dataDir, say });
    for (const port of further) await assertPortIsFree(port, host, '--set EDGE_PROXY_PROTOCOL_PORT=');
    const secrets = await loadSecrets(join(dataDir, 'secrets.json'));
    const ports = await choosePorts(options.port, { replicas: options.replicas ?? 0, further });
    const instances = await chooseInstances(options.instances ?? 2);
    ofServices = serviceProcesses(layout, instances);
    const site = {
      options,
      dataDir,
      logsFolder,
      secrets,
      processes,
      say,
      signal: life.signal,
      abort: (reason: Error) => life.abort(reason),
      ports,
      layout,
      instances,
      serviceProcesses: ofServices,
    };
    starting = startParts(site);
    ready = stackOf(site, await unlessAborted(starting, life.signal), { stop, killNow });
    recordRunningStack(ready);
    return ready;
  } catch (error) {
    life.abort(error);
    await stop();
    await Promise.allSettled([starting]);
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
}

type Started = Awaited<ReturnType<typeof startServers>> & Pick<StackContext, 'tracesFolder'>;

async function startParts(site: Site): Promise<Started> {
  const { options, layout, instances, ports, say } = site;
  const { beganAtMs = Date.now() } = options;
  const seconds = () => `${((Date.now() - beganAtMs) / 1000).toFixed(1)} s`;
  say(`starting PostgreSQL, Redis${needsRabbitmq(options.stack) ? ', RabbitMQ' : ''} and nginx …`);
  const servers = await startServers(site);
  say(`servers are up (${seconds()})`);
  const runAs = await unprivilegedUser('services');
  const tracesFolder = options.traces ? await serverFolder(site.dataDir, 'traces', runAs) : undefined;
  const context: StackContext = {
    ...servers,
    stack: options.stack,
    layout,
    internalUrl: `http://127.0.0.1:${ports.internal}`,
    secrets: site.secrets,
    runAs,
    tracesFolder,
    compileCache: join(repository, '.local/compile-cache'),
    servicesRoot: options.servicesRoot ?? join(repository, 'services'),
    logsFolder: site.logsFolder,
    demo: Boolean(options.demo),
    passwordConcurrency: Math.max(1, Math.floor(availableParallelism() / (options.instances ?? 2))),
    // Before ours are laid under it: a setting has one name there.
    extraEnv: underNewNames(options.env ?? {}, say),
  };
  const demo = {
    shoppers: options.demo ? options.demo.shoppers : undefined,
    instances,
    context,
    signal: site.signal,
    say,
  };
  // Before anybody can log in by the password that everybody knows.
  if (!options.demo) await loadOrEndDemo(demo);
  await emptyOtherBrokers(site, context);
  say(`starting ${countOf(site.serviceProcesses.length, ['service process', 'service processes'])} …`);
  await Promise.all(site.serviceProcesses.map((one) => site.processes.start(serviceProgram(one, context))));
  say(`services are ready (${seconds()})`);
  if (options.demo) {
    say('loading demo data …');
    await loadOrEndDemo(demo);
    say(`demo data is loaded (${seconds()})`);
  }
  return { ...servers, tracesFolder };
}

function stackOf(site: Site, servers: Started, ends: Pick<Stack, 'stop' | 'killNow'>): Stack {
  const { options, ports, processes } = site;
  const auditUrls = databases.map((name) => [name, servers.databases[name].auditor]);
  return {
    ...ends,
    stack: options.stack,
    layout: site.layout,
    url: `http://${listenAddress(options.host ?? '127.0.0.1').reachable}:${ports.public}`,
    internalUrl: `http://127.0.0.1:${ports.internal}`,
    dataDir: site.dataDir,
    databaseUrls: Object.fromEntries(auditUrls) as Record<DatabaseName, string>,
    redisUrl: servers.redis.auditor,
    redisAdminUrl: servers.redis.admin,
    amqpUrl: servers.rabbitmq?.operator,
    amqpAdminUrl: servers.rabbitmq?.admin,
    influxUrl: servers.influxdb?.queryUrl,
    tracesFolder: servers.tracesFolder,
    outboxMaxAttempts: options.env?.['OUTBOX_MAX_ATTEMPTS'] ? Number(options.env['OUTBOX_MAX_ATTEMPTS']) : undefined,
    secrets: site.secrets,
    postgres: controlOf('postgres', processes, !options.databaseUrl),
    replica: controlOf(replicaName(1), processes, ports.replicas.length > 0),
    redis: controlOf('redis', processes, !options.redisUrl),
    rabbitmq: controlOf('rabbitmq', processes, runsRabbitmq(options)),
    influxdb: controlOf('influxdb', processes, servers.influxdb !== undefined),
    get processes() {
      return listProcesses(site, servers);
    },
    kill: (name, signal = 'SIGKILL') => processes.get(name).kill(signal),
    stopProcess: (name) => processes.get(name).stop(),
    startProcess: (name) => processes.get(name).start(),
  };
}

function listProcesses({ processes, serviceProcesses, ports, options }: Site, { influxdb }: Started): StackProcess[] {
  const server = (name: string, port: number) => ({ name, service: undefined, instance: undefined, port });
  const all = [
    ...(options.databaseUrl ? [] : [server('postgres', ports.postgres)]),
    ...ports.replicas.map((port, n) => server(replicaName(n + 1), port)),
    ...(options.redisUrl ? [] : [server('redis', ports.redis)]),
    ...(runsRabbitmq(options) ? [server('epmd', ports.rabbitmq.epmd), server('rabbitmq', ports.rabbitmq.amqp)] : []),
    ...(influxdb?.programs.map(({ program, port }) => server(program.name, port)) ?? []),
    server('nginx', ports.public),
    ...serviceProcesses.map(ofServiceProcess),
  ];
  return all.map((one) => ({ ...one, pid: processes.pidOf(one.name) }));
}

function ofServiceProcess({ name, instance, instances }: ServiceProcess) {
  const [first, ...others] = instances.map(({ service, port }) => ({ service, port }));
  if (others.length === 0) return { name, ...first!, instance };
  return { name, service: undefined, instance, port: first!.port, holds: [first!, ...others] };
}

function controlOf(name: string, processes: ProcessSet, ours: boolean): ServerControl {
  if (ours) return { stop: () => processes.get(name).stop(), start: () => processes.get(name).start() };
  const refuse = () => Promise.reject(new Error(`This stack has no ${name} of its own to stop or start.`));
  return { stop: refuse, start: refuse };
}

function unlessAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort));
}
