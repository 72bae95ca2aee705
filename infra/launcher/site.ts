import type { LayoutName } from '@flash-sale/shared/layouts.ts';
import { needsRabbitmq } from '@flash-sale/shared/stacks.ts';
import { freePort, keepFree } from './free-port.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import type { InfluxdbPorts } from './influxdb.ts';
import type { ProcessSet } from './process-set.ts';
import { replicaName } from './replica.ts';
import type { RabbitmqPorts } from './rabbitmq.ts';
import type { Secrets } from './secrets.ts';
import type { Instance, ServiceProcess } from './service-program.ts';
import type { StackOptions } from './stack-types.ts';

/** What the steps of one start share. */
export interface Site {
  options: StackOptions;
  dataDir: string;
  logsFolder: string;
  secrets: Secrets;
  processes: ProcessSet;
  say: (line: string) => void;
  /** Aborted as soon as going on makes no sense. */
  signal: AbortSignal;
  /** Makes all that is under way end, with this as the reason. */
  abort: (reason: Error) => void;
  ports: Ports;
  layout: LayoutName;
  instances: Instance[];
  serviceProcesses: ServiceProcess[];
}

export interface Ports {
  postgres: number;
  /** Of each replica of it. */
  replicas: number[];
  redis: number;
  rabbitmq: RabbitmqPorts;
  influxdb: InfluxdbPorts;
  public: number;
  internal: number;
}

/** The process of services that handle what another stack has left in its broker, before this one starts. */
export const consumersName = 'consumers-1';

/** The order in which a stack stops: no new requests, then what is under way, then what that needs. */
export function stopOrder(services: string[], replicas: number): string[][] {
  return [
    ['nginx'],
    [...services, consumersName],
    ['redis', 'rabbitmq', 'influxdb-front', ...Array.from({ length: replicas }, (_, n) => replicaName(n + 1))],
    ['postgres', 'epmd', 'influxdb'],
  ];
}

/** @param replicas how many there are of PostgreSQL. @param further ports at which something else of this stack will listen */
export async function choosePorts(
  publicPort: number | undefined,
  { replicas = 0, further = [] }: { replicas?: number; further?: number[] } = {},
): Promise<Ports> {
  for (const port of [publicPort, ...further]) if (port) keepFree(port);
  return {
    postgres: await freePort(),
    replicas: await freePorts(replicas),
    redis: await freePort(),
    rabbitmq: await chooseRabbitmqPorts(),
    influxdb: await chooseInfluxdbPorts(),
    public: publicPort ? publicPort : await freePort(),
    internal: await freePort(),
  };
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

export async function chooseRabbitmqPorts(): Promise<RabbitmqPorts> {
  return { amqp: await freePort(), distribution: await freePort(), epmd: await freePort() };
}

export async function chooseInfluxdbPorts(): Promise<InfluxdbPorts> {
  return { api: await freePort(), server: await freePort(), rpc: await freePort() };
}

/** Whether this stack has a RabbitMQ of its own. */
export function runsRabbitmq({ stack, amqpUrl }: Pick<StackOptions, 'stack' | 'amqpUrl'>): boolean {
  return needsRabbitmq(stack) && !amqpUrl;
}

export async function chooseInstances(count: number): Promise<Instance[]> {
  const instances: Instance[] = [];
  for (const service of serviceNames) {
    for (let instance = 1; instance <= count; instance++) instances.push({ service, instance, port: await freePort() });
  }
  return instances;
}

export function portsByService(instances: Instance[]): Record<ServiceName, number[]> {
  const portsOf = (name: ServiceName) => instances.filter(({ service }) => service === name).map(({ port }) => port);
  return Object.fromEntries(serviceNames.map((name) => [name, portsOf(name)])) as Record<ServiceName, number[]>;
}
