import type { DatabaseConfig } from '../config.ts';
import { ensureMigrated } from '../db/migrate.ts';
import { Admission } from '../http/admission.ts';
import { underWay } from '../http/under-way.ts';
import { CrowdSign } from '../redis/crowd-sign.ts';
import type { Assembled, Base, Service } from './assembly.ts';
import type { DatabaseServiceDefinition } from './definition.ts';
import { backlogOf, laneOpener, outboxOf } from './messaging.ts';
import { openDatabase, outcomesOpener } from './resources.ts';
import { durableTasks } from './tasks.ts';
import { watchDurable, watchReplica } from './telemetry.ts';

/** A service with a database, which has a lane, an outbox and a transport of its events as well. */
export const serviceWithDatabase = <Config extends DatabaseConfig, DB>(
  definition: DatabaseServiceDefinition<Config, DB>,
): Service<Config> => ({ name: definition.name, assemble: (base) => assemble(definition, base) });

/**
 * Migrates if it may, connects and builds the service, in the order in which one thing needs the other; then it takes events.
 * @throws when the database cannot be reached or lacks a migration, or the service cannot be built
 */
async function assemble<Config extends DatabaseConfig, DB>(
  definition: DatabaseServiceDefinition<Config, DB>,
  { context, kernel, openTokens, transportFactory, waitsEnd, opened }: Base<Config>,
): Promise<Assembled> {
  const { config, log, metrics, work } = kernel;
  const { DATABASE_URL: url, MIGRATION_DATABASE_URL: ownerUrl } = config;
  await ensureMigrated({ url, ownerUrl }, definition.migrations);

  const { reads, positions, background, messaging, laneConnection, poolUse } = openDatabase<DB>(
    context,
    kernel.redis,
    opened,
  );
  const openOutcomes = outcomesOpener(context, { publisher: kernel.redis, waitsEnd, opened });
  const tokens = openTokens(definition.tokenAuthority?.(background, config));
  const { transport, routes: transportRoutes } = transportFactory({ config, log, tracing: context.tracing });
  const backlog = backlogOf(context, transport);
  const outbox = outboxOf(context, messaging, { transport, backlog });
  const { SHED_BEYOND_REQUESTS: beyondRequests, SHED_BEYOND_WAIT_MS: beyondWaitMs } = config;
  const admission = new Admission({ beyondRequests, beyondWaitMs, log, sign: new CrowdSign(kernel.redis) });
  const openLane = laneOpener(context, laneConnection, { transport, outbox, backlog, positions });
  const { beginsJourney, logIns: logInsAtDoor } = admission;

  const opening = { tokens, reads, background, openLane, openOutcomes, beginsJourney, logInsAtDoor };
  const parts = await definition.build({ ...kernel, ...opening });
  if (parts.close) opened.defer(parts.close);
  const { lane, removals, tasks = [] } = parts;
  underWay.lanes.add(lane);
  opened.defer(() => void underWay.lanes.delete(lane));

  await outbox.begin();
  opened.defer(() => outbox.end());
  await transport.start(outbox.intakeOf(lane));
  opened.defer(() => transport.stop());
  watchDurable(metrics, { work, backlog, lane, poolUse, admission, transport });
  const replicated = positions && reads;
  if (replicated) watchReplica(metrics, replicated);
  const common = durableTasks(context, { messaging, backlog, transport, admission, replicated, removals });
  return {
    parts: { ...parts, tasks: [...common, ...tasks] },
    durable: { background, lane, outbox, transport, transportRoutes },
  };
}
