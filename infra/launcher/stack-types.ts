import type { LayoutName } from '@flash-sale/shared/layouts.ts';
import type { StackName } from '@flash-sale/shared/stacks.ts';
import type { DatabaseName } from './database-names.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { Secrets } from './secrets.ts';

export interface StackOptions {
  stack: StackName;
  /** Everything of this stack lies here; two stacks need two folders. */
  dataDir: string;
  /** The public port; 0 (the default) takes a free one. */
  port?: number;
  /** The address of the public listener; 127.0.0.1 unless given. */
  host?: string;
  /** Demo data; none unless given. */
  demo?: { shoppers: number } | false;
  /** Set for every service, over the launcher's own values. */
  env?: Record<string, string>;
  /** Which processes run the services; what is usual for the stack unless given. */
  layout?: LayoutName;
  /** Of each service; 2 unless given. */
  instances?: number;
  /** Hot standbys of the private PostgreSQL, from which routes read where they are new enough; none unless given. */
  replicas?: number;
  /** Servers to use instead of private ones. */
  databaseUrl?: string | undefined;
  redisUrl?: string | undefined;
  /** Of a stack with RabbitMQ; another looks there for events that such a stack has left. */
  amqpUrl?: string | undefined;
  /** How long the handling of such events may take before the start of another stack is given up; five minutes unless given. */
  emptyBrokerWithinMs?: number;
  /** Runs an InfluxDB and has the services write their metrics to it, where one can be had; not unless asked for. */
  metrics?: boolean;
  /** Has the services keep spans in the folder `data/traces`, for `npm run trace`; not unless asked for. */
  traces?: boolean;
  /** A folder with one folder per service, each with src/main.ts, and a main.ts for all; the repository's own unless given. */
  servicesRoot?: string;
  /** Progress, restarts and trouble, one line each; silent unless given. */
  onLog?: (line: string) => void;
  /** Called when the stack cannot go on after it was ready; it has then been stopped. */
  onFailure?: (error: Error) => void;
  /** When whoever waits for it began to, for the seconds in the progress; now unless given. */
  beganAtMs?: number | undefined;
  /** Breaks off a start that is under way. */
  signal?: AbortSignal;
}

export interface StackProcess {
  /**
   * `postgres`, `redis`, `rabbitmq` and its `epmd`, `influxdb` and its `influxdb-front`, `nginx`, or service and instance, as in
   * `order-2`; `services-2` where a process holds one instance of each.
   */
  name: string;
  /** Of a process that runs one service. */
  service: ServiceName | undefined;
  instance: number | undefined;
  /** Undefined while it does not run. */
  pid: number | undefined;
  port: number;
  /** Only of a process that holds several services: which, and where each listens. */
  holds?: { service: ServiceName; port: number }[];
}

/** The services that a process runs, and where each listens; none of a server. */
export const servicesIn = ({
  service,
  port,
  holds,
}: Pick<StackProcess, 'service' | 'port' | 'holds'>): { service: ServiceName; port: number }[] =>
  holds ?? (service === undefined ? [] : [{ service, port }]);

/** A server that tests may take away and bring back, on the same port and data. Both throw for a server that is not this stack's. */
export interface ServerControl {
  stop(): Promise<void>;
  /** Resolves when it answers again. */
  start(): Promise<void>;
}

export interface Stack {
  stack: StackName;
  layout: LayoutName;
  url: string;
  internalUrl: string;
  dataDir: string;
  /** Of each database, for a role that may read everything and change nothing. */
  databaseUrls: Record<DatabaseName, string>;
  /** For a user who may read everything and change nothing. */
  redisUrl: string;
  redisAdminUrl: string;
  /** Only in a stack with RabbitMQ: for a user who counts what waits, and sees to dead letters. */
  amqpUrl: string | undefined;
  amqpAdminUrl: string | undefined;
  /** Where InfluxQL is asked, database, user and password included: append `&q=`. Only of a stack with metrics. */
  influxUrl: string | undefined;
  /** Where its services keep spans, if they do. */
  tracesFolder: string | undefined;
  /** After how many tries its services give a record up, where they were told (OUTBOX_MAX_ATTEMPTS). */
  outboxMaxAttempts: number | undefined;
  secrets: Secrets;
  postgres: ServerControl;
  /** Of the first replica of it, where it has one. */
  replica: ServerControl;
  redis: ServerControl;
  rabbitmq: ServerControl;
  influxdb: ServerControl;
  /** As of now. */
  readonly processes: StackProcess[];
  /** Sends a signal to one process, which is started again if it ends by it. */
  kill(name: string, signal?: NodeJS.Signals): void;
  /** Stops one process gracefully, and keeps it stopped until `startProcess`. */
  stopProcess(name: string): Promise<void>;
  startProcess(name: string): Promise<void>;
  /** Stops everything in order. May be called more than once, and at any time. */
  stop(): Promise<void>;
  /** Kills everything at once, without waiting. */
  killNow(): void;
}
