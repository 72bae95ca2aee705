import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { dashboard, service, stack } from '../dashboard.ts';
import { lines, perSecond } from '../influxql.ts';
import { graph } from '../panels.ts';

const instance = '[[tag_service]]-[[tag_instance]]';
const byInstance = (select: string, from: string, fill: 'null' | 0 = 'null') => ({
  [instance]: lines({ select, from, by: ['service', 'instance'], fill }),
});

const cpu = graph({
  title: 'CPU per instance',
  about:
    '100 % is one core. Near the line an instance has no more to give, even where the machine has. One instance far above the ' +
    'other of its service means that nginx does not spread the load.',
  unit: units.Percent,
  limit: 90,
  lines: byInstance('mean("cpu_percent")', 'process'),
});

const utilization = graph({
  title: 'Event loop: share of time busy',
  about:
    'Above the line every request waits for others to be worked on. High while CPU is low: something blocks, such as a log ' +
    'file on a slow disk.',
  unit: units.PercentUnit,
  limit: 0.9,
  max: 1,
  lines: byInstance('mean("event_loop_utilization")', 'process'),
});

const delay = graph({
  title: 'Event loop: delay, p99',
  about:
    'How late timers and answers come, in the worst second of each step. Each request pays it several times. Above the line ' +
    'shoppers notice it: start more instances, or take load away.',
  unit: units.Milliseconds,
  limit: 100,
  lines: byInstance('max("event_loop_p99_ms")', 'process'),
});

const maxDelay = graph({
  title: 'Event loop: longest delay',
  about: 'A single peak is a pause, such as a large garbage collection or a start. Regular peaks are worth a profile.',
  unit: units.Milliseconds,
  lines: byInstance('max("event_loop_max_ms")', 'process'),
});

const medianDelay = graph({
  title: 'Event loop: delay, p50',
  about: 'In the worst second of each step. Of little interest at rest, when it is the resolution of the clock.',
  unit: units.Milliseconds,
  lines: byInstance('max("event_loop_p50_ms")', 'process'),
});

const gcTime = graph({
  title: 'Garbage collection: share of time',
  about:
    'A few percent are normal under load. Above the line memory is short: compare with the heap, and give the process more ' +
    '(--max-old-space-size), or look for what it keeps.',
  unit: units.Percent,
  limit: 10,
  lines: byInstance('sum("gc_ms") * 100 / $__interval_ms', 'process', 0),
});

const gcCount = graph({
  title: 'Garbage collections per second',
  about: 'Many short ones come with load. Few and long ones are the pauses seen in the longest delay.',
  unit: units.CountsPerSecond,
  lines: byInstance(perSecond('gc_count'), 'process', 0),
});

const heap = graph({
  title: 'Heap',
  about:
    'Used, and taken from the system. The lower edge of what is used should come back to the same level; where it climbs from ' +
    'hour to hour, something is kept for ever.',
  unit: units.BytesIEC,
  lines: {
    [`${instance} used`]: lines({ select: 'max("heap_used_bytes")', from: 'process', by: ['service', 'instance'] }),
    [`${instance} total`]: lines({ select: 'max("heap_total_bytes")', from: 'process', by: ['service', 'instance'] }),
  },
});

const batchSize = graph({
  title: 'Items in a transaction: mean',
  about:
    'Requests and events that share one transaction. It grows with the load, and that is how the shop keeps up; near 1 under ' +
    'load means that there is not enough to share.',
  unit: units.Short,
  lines: byInstance('sum("items") / sum("batches")', 'batch'),
});

const largestBatch = graph({
  title: 'Items in a transaction: most',
  about:
    'At the bound (BATCH_MAX, 256 unless set) the rest waits for the next transaction: see what is waiting, in the Overview.',
  unit: units.Short,
  lines: byInstance('max("max_items")', 'batch'),
});

const batchTime = graph({
  title: 'Time of a transaction',
  about:
    'Mean, in the worst second of each step. It is mostly PostgreSQL and its disk. Where it climbs while batches stay small, ' +
    'look there first.',
  unit: units.Milliseconds,
  lines: byInstance('max("mean_ms")', 'batch'),
});

const batches = graph({
  title: 'Transactions per second',
  about:
    'Of the one lane that each instance has. It falls when transactions take longer, and rises again when they are small.',
  unit: units.OpsPerSecond,
  lines: byInstance(perSecond('batches'), 'batch', 0),
});

const poolWaiting = graph({
  title: 'Waiting for a connection to read',
  about:
    'Reads that wait because all connections of the pool are in use. Short peaks are normal. What stays above the line slows ' +
    'every read: raise READ_POOL_SIZE if PostgreSQL has CPU left.',
  unit: units.Short,
  limit: 50,
  lines: byInstance('max("waiting")', 'pool'),
});

const poolUsed = graph({
  title: 'Connections in use',
  about:
    'Of those for reads (READ_POOL_SIZE, 2 an instance unless set). All of them in use is no trouble while nobody waits.',
  unit: units.Short,
  lines: byInstance('max("used")', 'pool'),
});

const lost = graph({
  title: 'Points lost since the start',
  about:
    'Measurements that could not be written and were dropped; the shop does not wait for them. Where this climbs, InfluxDB is ' +
    'away or too slow, and all these dashboards have gaps.',
  unit: units.Short,
  limit: 1,
  lines: byInstance('max("lost")', 'collector'),
});

const written = graph({
  title: 'Points written since the start',
  about: 'A line that no longer rises is an instance that measures nothing: it has stopped, or cannot reach InfluxDB.',
  unit: units.Short,
  lines: byInstance('max("written")', 'collector'),
});

export const runtime = (): Dashboard =>
  dashboard({
    uid: 'flash-sale-runtime',
    title: 'Runtime',
    description: 'Why an instance is slow: event loop, memory, transactions and connections, instance by instance.',
    variables: [stack(), service()],
    rows: [
      { title: 'Is there time left?', columns: 2, panels: [cpu, utilization, delay, maxDelay, medianDelay] },
      { title: 'Transactions', columns: 2, panels: [batchTime, batches, batchSize, largestBatch] },
      { title: 'Reads', columns: 2, panels: [poolWaiting, poolUsed] },
      { title: 'Memory', columns: 3, panels: [heap, gcTime, gcCount] },
      { title: 'The measurements themselves', columns: 2, panels: [lost, written] },
    ],
  });
