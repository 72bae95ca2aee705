import type { Router } from 'express';
import type { Redis } from 'ioredis';
import type { Kysely, Migration } from 'kysely';
import type { AccessTokens } from '../auth.ts';
import type { CommonConfig, DatabaseConfig } from '../config.ts';
import type { BeginsJourney } from '../http/admission.ts';
import type { Reads } from '../db/reads.ts';
import type { EventType } from '@flash-sale/contract/events/schemas.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { Logger } from '../log.ts';
import type { InternalClient } from '../messaging/http-client.ts';
import type { Lane } from '../messaging/lane.ts';
import type { Outcomes, OutcomeSource } from '../messaging/outcomes.ts';
import type { Transport } from '../messaging/transport.ts';
import type { Commands, UnitOfWork } from '../messaging/unit-of-work.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { TokenAuthority } from '../token-authority.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { WorkAges } from './health.ts';
import type { OnUpgrade } from './listener.ts';
import type { Removal } from './retention.ts';

/** What every service is given to build itself from. */
export interface Kernel<Config extends CommonConfig = CommonConfig> {
  config: Config;
  log: Logger;
  redis: Redis;
  tokens: AccessTokens;
  metrics: Metrics;
  /** Where work that may be late is to be named: its age goes to the metrics, and beyond WORK_LATE_MS to the shop's `/readyz`. */
  work: WorkAges;
  /** For questions to other services that a request can do without, each for a second at most. */
  peers: Pick<InternalClient, 'post'>;
  /** Aborted from the first moment of a stop: what stays open for ever, such as an upgraded connection, is to end. */
  draining: AbortSignal;
}

/** What a service with a database is given besides. */
export interface DatabaseKernel<Config extends DatabaseConfig, DB> extends Kernel<Config> {
  /** For reads of routes; changes go through the lane. */
  reads: Reads<DB>;
  /** For tasks and readiness: a crowd of readers must not keep holds from expiring. */
  background: Kysely<DB>;
  /** Opens the service's one lane. It carries work from when the service is built, and nothing is to be run on it before. */
  openLane: OpenLane;
  /** Lets requests wait for what becomes of the service's things, on whichever instance it happens. */
  openOutcomes: OpenOutcomes;
  /** Makes what stands first in a route that begins a journey, and refuses it while the process has more under way than it gets done. */
  beginsJourney: BeginsJourney;
  /** Of those who log in or register: how many it has seen since the start, and how many it has refused. */
  logInsAtDoor: Readonly<{ came: number; refused: number }>;
}

export type OpenLane = <S, E extends EventType, C extends Commands<S>>(
  unitOfWork: UnitOfWork<S, E, C>,
) => Lane<S, E, C>;
export type OpenOutcomes = <View extends { id: string }, Stage extends string>(
  what: string,
  source: OutcomeSource<View, Stage>,
) => Outcomes<View, Stage>;

/** A lane as its service is run with it, whatever its commands are. */
export type OpenedLane = Pick<
  Lane<unknown, never, Record<never, never>>,
  'service' | 'receive' | 'acknowledge' | 'queued' | 'waitingMs' | 'drained'
>;

/** Something that a service repeats for as long as it lives. */
export interface Task {
  name: string;
  everyMs: number;
  task: () => Promise<unknown>;
}

/** What every service is made of. */
export interface ServiceParts {
  routes: Router;
  /** What other services may ask, below /internal. */
  internalRoutes?: Router;
  onUpgrade?: OnUpgrade;
  tasks?: Task[];
  close?: () => Promise<void>;
}

/** What a service with a database is made of. */
export interface DatabaseServiceParts extends ServiceParts {
  /** From the kernel's `openLane`. */
  lane: OpenedLane;
  /** What is removed when it has outlived its use; in this order. */
  removals?: Removal[];
}

/** A service that owns nothing which must survive it: no database, and so neither lane nor outbox nor events of its own. */
export interface ServiceDefinition<Config extends CommonConfig> {
  name: ServiceName;
  /** May do I/O that must succeed before the service is ready. */
  build: (kernel: Kernel<Config>) => Promise<ServiceParts> | ServiceParts;
}

/** A service with a database, changed through its lane, from which events go to the others. */
export interface DatabaseServiceDefinition<Config extends DatabaseConfig, DB> {
  name: ServiceName;
  migrations: Record<string, Migration>;
  /** Of the user service, which knows by itself what the others ask it for. */
  tokenAuthority?: (db: Kysely<DB>, config: Config) => TokenAuthority;
  /** May do I/O that must succeed before the service is ready, and opens its lane. */
  build: (kernel: DatabaseKernel<Config, DB>) => Promise<DatabaseServiceParts> | DatabaseServiceParts;
}

/** A transport, and the routes by which other services reach it, if it has any. */
export type TransportFactory = (options: { config: DatabaseConfig; log: Logger; tracing?: Tracing | undefined }) => {
  transport: Transport;
  routes?: Router;
};

/** What all parts of a service know of it. */
export interface ServiceContext<Config extends CommonConfig = CommonConfig> {
  name: ServiceName;
  config: Config;
  log: Logger;
  metrics: Metrics;
  /** As in Metrics. */
  processAs: string | null;
  /** Where it is on. */
  tracing?: Tracing | undefined;
}
