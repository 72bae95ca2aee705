import type { Kysely } from 'kysely';
import type { DatabaseConfig } from '../config.ts';
import type { LaneConnection } from '../db/lane-connection.ts';
import type { MessagingTables } from '../messaging/housekeeping.ts';
import { Lane } from '../messaging/lane.ts';
import { Outbox } from '../messaging/outbox.ts';
import type { Transport } from '../messaging/transport.ts';
import type { Positions } from '../redis/positions.ts';
import { Backlog } from './backlog.ts';
import type { OpenLane, ServiceContext } from './definition.ts';

/** The outbox of a service, delivered by its transport. To be begun once the service is built. */
export function outboxOf(
  { name, config, log }: ServiceContext<DatabaseConfig>,
  db: Kysely<MessagingTables>,
  { transport, backlog }: { transport: Transport; backlog: Backlog },
): Outbox {
  return new Outbox({
    db,
    service: name,
    instance: config.SERVICE_INSTANCE,
    transport,
    log,
    leaseMs: config.PROCESS_LEASE_MS,
    lookEveryMs: config.OUTBOX_SWEEP_MS,
    maxAttempts: config.OUTBOX_MAX_ATTEMPTS,
    countAtMost: config.OUTBOX_BACKLOG_MAX,
    onLook: (waiting) => backlog.outboxIs(waiting),
    maxHeld: config.OUTBOX_HELD_MAX,
    holdMs: config.OUTBOX_HOLD_MS,
    handoverMs: config.OUTBOX_HANDOVER_MS,
  });
}

/** What waits in the outbox of a service and at its transport, against the bounds of its configuration. */
export function backlogOf({ name, config, log }: ServiceContext<DatabaseConfig>, transport: Transport): Backlog {
  return new Backlog({
    service: name,
    transport,
    limits: {
      outboxRecords: config.OUTBOX_BACKLOG_MAX,
      outboxAgeMs: config.OUTBOX_AGE_MAX_MS,
      queueMessages: config.QUEUE_BACKLOG_MAX,
      unpublishedAgeMs: config.PUBLISH_AGE_MAX_MS,
    },
    log,
  });
}

/** Opens lanes that deliver by this transport what they commit, and refuse work by this backlog. */
export function laneOpener(
  { name, config, log, metrics, tracing }: ServiceContext<DatabaseConfig>,
  connection: LaneConnection,
  options: { transport: Transport; outbox: Outbox; backlog: Backlog; positions: Positions | undefined },
): OpenLane {
  const { transport, outbox, backlog, positions } = options;
  return (unitOfWork) =>
    new Lane({
      service: name,
      connection,
      unitOfWork,
      deliver: (records) => transport.deliver(records),
      log,
      maxItems: config.BATCH_MAX,
      maxQueued: config.BATCH_QUEUE_MAX,
      outboxGraceMs: config.OUTBOX_GRACE_MS,
      handoverMs: config.OUTBOX_HANDOVER_MS,
      inboxRetentionMs: config.INBOX_RETENTION_MS,
      holder: () => outbox.holder,
      isOverloaded: () => backlog.isOverloaded,
      isStalled: () => backlog.isStalled,
      onBatch: (items, ms) => metrics.batchDone(items, ms),
      tracing,
      positions,
    });
}
