import type { Router } from 'express';
import type { QueryExecutorProvider } from 'kysely';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { AccessTokens } from '../auth.ts';
import type { CommonConfig } from '../config.ts';
import type { Outbox } from '../messaging/outbox.ts';
import type { Transport } from '../messaging/transport.ts';
import type { TokenAuthority } from '../token-authority.ts';
import type { Kernel, OpenedLane, ServiceContext, ServiceParts, TransportFactory } from './definition.ts';

/** A service as a process runs it, whatever it needs: made of its definition by `serviceWithDatabase` or `serviceWithoutDatabase`. */
export interface Service<Config extends CommonConfig> {
  name: ServiceName;
  /** Opens what it needs beyond what every service has, and builds it. @throws when it cannot; `base.opened` closes what is open then */
  assemble: (base: Base<Config>) => Promise<Assembled>;
}

/** What every service has before it is built. */
export interface Base<Config extends CommonConfig> {
  context: ServiceContext<Config>;
  kernel: Omit<Kernel<Config>, 'tokens'>;
  /** To be called once. @param own of a service that need not ask another whose tokens are good */
  openTokens: (own?: TokenAuthority) => AccessTokens;
  /** For what carries a service's events, if it has any. */
  transportFactory: TransportFactory;
  /** Aborted when requests that wait for an outcome are to be answered as it stands. */
  waitsEnd: AbortSignal;
  /** Closes what a service opens, the last first. */
  opened: AsyncDisposableStack;
}

/** A service that is built. */
export interface Assembled {
  parts: ServiceParts;
  /** Only of a service with a database. */
  durable?: Durable;
}

/** What keeps the changes of a service, and carries its events. */
export interface Durable {
  background: QueryExecutorProvider;
  lane: OpenedLane;
  outbox: Outbox;
  transport: Transport;
  /** By which other services reach its transport. */
  transportRoutes: Router | undefined;
}
