import type { PoolUse } from '../db/connection.ts';
import type { Reads } from '../db/reads.ts';
import type { Admission } from '../http/admission.ts';
import type { Transport } from '../messaging/transport.ts';
import { InfluxCollector } from '../metrics/influx-collector.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Backlog } from './backlog.ts';
import type { OpenedLane, ServiceContext } from './definition.ts';
import type { WorkAges } from './health.ts';

export interface Observed {
  work: WorkAges;
  backlog: Backlog;
  lane: Pick<OpenedLane, 'queued'>;
  poolUse: () => PoolUse;
  admission: Pick<Admission, 'begins' | 'refused' | 'letInShare'>;
  transport: Pick<Transport, 'deadLetters'>;
}

/** Has metrics tell of a service what work of it is late, whenever somebody looks. */
export function watchWork(metrics: Metrics, work: WorkAges): void {
  metrics.watch({
    measurement: 'work',
    tag: 'work',
    gauges: { age_seconds: 'flash_sale_work_age_seconds' },
    read: () => Object.entries(work.read()).map(([of, ageMs]) => ({ of, fields: { age_seconds: ageMs / 1_000 } })),
  });
}

/** The same of what waits in a service with a database: outbox, queue, lane, pool, dead letters; and of what was refused. */
export function watchDurable(metrics: Metrics, { work, backlog, lane, poolUse, admission, transport }: Observed): void {
  work.watch('outbox', () => backlog.oldestRecordMs());
  work.watch('publish', () => backlog.oldestUnpublishedMs());
  metrics.watch({
    measurement: 'backlog',
    gauges: {
      outbox: 'flash_sale_outbox_records',
      queue: 'flash_sale_queue_messages',
      dead: 'flash_sale_dead_letters',
      waiting: 'flash_sale_lane_waiting_items',
    },
    read: () => [{ fields: { ...backlog.counts, waiting: lane.queued } }],
  });
  if (admission.begins.size > 0) watchJourneys(metrics, admission);
  metrics.watch({
    measurement: 'pool',
    gauges: { used: 'flash_sale_pool_used_connections', waiting: 'flash_sale_pool_waiting_requests' },
    read: () => [{ fields: { ...poolUse() } }],
  });
  if (transport.deadLetters) {
    const counts = transport.deadLetters.bind(transport);
    metrics.watch({
      measurement: 'dead_letters',
      tag: 'cause',
      gauges: { count: 'flash_sale_dead_letters_put_aside' },
      read: () => Object.entries(counts()).map(([cause, count]) => ({ of: cause, fields: { count } })),
    });
  }
}

/** Where a replica is read: who has answered, and how far it is behind. */
export function watchReplica(metrics: Metrics, reads: Pick<Reads<never>, 'counts' | 'state'>): void {
  metrics.watch({
    measurement: 'reads',
    tag: 'cause',
    gauges: { count: 'flash_sale_reads' },
    read: () => Object.entries(reads.counts).map(([cause, count]) => ({ of: cause, fields: { count } })),
  });
  metrics.watch({
    measurement: 'replica',
    gauges: { up: 'flash_sale_replica_up', behind_bytes: 'flash_sale_replica_behind_bytes' },
    read: () => {
      const { up, behindBytes } = reads.state;
      return [{ fields: { up, ...(behindBytes === undefined ? {} : { behind_bytes: behindBytes }) } }];
    },
  });
}

function watchJourneys(metrics: Metrics, admission: Observed['admission']): void {
  metrics.watch({
    measurement: 'journeys',
    tag: 'cause',
    gauges: { refused: 'flash_sale_refused_journeys', let_in_share: 'flash_sale_let_in_share' },
    read: () => [
      { of: 'here', fields: { refused: admission.refused.here } },
      { of: 'elsewhere', fields: { refused: admission.refused.elsewhere, let_in_share: admission.letInShare() } },
    ],
  });
}

/** Sends the metrics to InfluxDB until `opened` is closed, where there is one. */
export function collectForInflux(context: ServiceContext, opened: AsyncDisposableStack): void {
  const { name, config, log, metrics, processAs } = context;
  if (config.INFLUX_URL === undefined) return;
  const collector = new InfluxCollector({
    url: config.INFLUX_URL,
    token: config.INFLUX_TOKEN,
    org: config.INFLUX_ORG,
    bucket: config.INFLUX_BUCKET,
    tags: { stack: config.STACK, service: name, instance: config.SERVICE_INSTANCE },
    processAs,
    metrics,
    log,
  });
  opened.defer(() => collector.close());
}
