import type { readiness } from '../objectives.ts';
import type { Level } from './results.ts';

/** A resource that was used up at a level, how that shows, and what to do about it. */
export interface Saturation {
  resource: 'cpu' | 'k6' | 'single thread' | 'other load' | 'event loop' | 'lane' | 'pool' | 'queue' | 'outbox';
  evidence: string;
  advice: string;
}

export type Bounds = Pick<
  typeof readiness,
  | 'maxCpuShare'
  | 'maxK6Share'
  | 'maxEventLoopDelayMs'
  | 'maxLaneWaiting'
  | 'maxPoolWaiting'
  | 'maxQueueDepth'
  | 'maxOutboxDepth'
>;

/** A Node process runs its JavaScript on one thread: more than this of one processor, and it has nothing left. */
const fullThread = 0.9;
/** Processors kept busy by what is neither the shop nor k6 that make figures doubtful. */
export const muchOtherLoad = 0.1;

/** What was used up at this level, most telling first. What was not measured is not in it. */
export function findSaturation({ resources }: Level, cores: number, bounds: Bounds): Saturation[] {
  const processors = processorSaturation(resources, cores, bounds);
  const waitsForOne = processors.some(({ resource }) => resource === 'cpu');
  return [
    ...processors,
    ...(
      [
        [
          'eventLoopDelayMs',
          'event loop',
          bounds.maxEventLoopDelayMs,
          'ms late (p99 of the worst two seconds)',
          waitsForOne
            ? 'the processors first: who waits for one comes late, whatever its event loop does'
            : 'profile it (npm run bench -- --cpu-prof): what runs long in one turn belongs into smaller pieces or another process',
        ],
        [
          'laneWaiting',
          'lane',
          bounds.maxLaneWaiting,
          'requests and events waiting for a transaction',
          'its transactions take too long: look at the processors and the disk of PostgreSQL, then try more instances',
        ],
        [
          'poolWaiting',
          'pool',
          bounds.maxPoolWaiting,
          'requests waiting for a connection',
          'raise READ_POOL_SIZE as long as PostgreSQL has processors left',
        ],
        [
          'queueDepth',
          'queue',
          bounds.maxQueueDepth,
          'messages in its queue',
          'it handles fewer events than arrive: more instances, or a larger AMQP_PREFETCH',
        ],
        [
          'outboxDepth',
          'outbox',
          bounds.maxOutboxDepth,
          'records in its outbox',
          'events are delivered more slowly than they arise: look at the services behind it',
        ],
      ] as const
    ).flatMap(([figure, resource, limit, unit, advice]) => {
      const worst = resources.services
        .map(({ name, [figure]: value }) => ({ name, value: value ?? 0 }))
        .sort((one, other) => other.value - one.value)[0];
      if (!worst || worst.value <= limit) return [];
      return [
        { resource, evidence: `${worst.name}: ${worst.value.toFixed(0)} ${unit}, at most ${limit} is sound`, advice },
      ];
    }),
  ];
}

function processorSaturation(resources: Level['resources'], cores: number, bounds: Bounds): Saturation[] {
  const { busyCores, stolenCores = 0, k6Cores = 0, processes } = resources;
  const found: Saturation[] = [];
  const byUse = processes.toSorted((one, other) => other.cores - one.cores);
  if (busyCores !== undefined && (busyCores + stolenCores) / cores >= bounds.maxCpuShare) {
    const largest = [...byUse.slice(0, 4), { name: 'k6', cores: k6Cores }].sort(
      (one, other) => other.cores - one.cores,
    );
    found.push({
      resource: 'cpu',
      evidence: `${busyCores.toFixed(2)} of ${cores} processors busy: ${largest.map((one) => `${one.name} ${one.cores.toFixed(2)}`).join(', ')}`,
      advice: `more processors, or less work in ${byUse[0]?.name ?? 'the shop'}, which uses most; no setting helps while none is free`,
    });
  }
  if (k6Cores / cores > bounds.maxK6Share) {
    found.push({
      resource: 'k6',
      evidence: `k6 itself took ${k6Cores.toFixed(2)} of ${cores} processors`,
      advice: 'run k6 on another machine (--url): until then the figures are a lower bound of what the shop can do',
    });
  }
  for (const { name, cores: used } of byUse.filter(isOneThread).filter(({ cores: used }) => used >= fullThread)) {
    found.push({
      resource: 'single thread',
      evidence: `${name} used ${used.toFixed(2)} processors, and its JavaScript can use one`,
      advice: `more instances of ${name.replace(/-\d+$/, '')}`,
    });
  }
  const otherCores = otherLoad(resources);
  if (otherCores !== undefined && otherCores / cores > muchOtherLoad) {
    found.push({
      resource: 'other load',
      evidence: `${otherCores.toFixed(2)} of ${cores} processors were busy with neither the shop nor k6`,
      advice: 'measure again on a quiet machine: these figures are too low by an unknown amount',
    });
  }
  return found;
}

/** Processors taken by neither the shop nor k6, its host's other guests included. Undefined if the processes are unknown. */
export function otherLoad({
  busyCores,
  stolenCores = 0,
  k6Cores = 0,
  processes,
}: Level['resources']): number | undefined {
  if (busyCores === undefined || processes.length === 0) return undefined;
  const known = processes.reduce((sum, one) => sum + one.cores, k6Cores);
  return Math.max(0, busyCores - known) + stolenCores;
}

/** Services are called `order-1`; PostgreSQL, nginx and RabbitMQ have more processes or threads. */
function isOneThread({ name }: { name: string }): boolean {
  return /-\d+$/.test(name) || name === 'redis';
}
