/** What each endpoint promises, and up to which load. `npm run sweep` judges by this file alone. */
export interface Objective {
  /** Most milliseconds that 95 and 99 of 100 answers as asked for may take. */
  p95Ms: number;
  p99Ms: number;
  /** Largest share of answers that are not what was asked for: failed, undecided (202), or with wrong fields. */
  maxErrorRate: number;
  /** Smallest share of requests that are served at all: neither refused, broken off nor answered by 4xx or 5xx. */
  minAvailability: number;
}

/** In the order of a journey. The names are the tags of load-tests/endpoints.ts. */
export const endpoints = [
  'log in',
  'refresh',
  'list products',
  'fetch product',
  'create cart',
  'add item',
  'reserve',
  'read reservation',
  'pay',
  'read order',
] as const;
export type Endpoint = (typeof endpoints)[number];

const none = { maxErrorRate: 0, minAvailability: 1 };
const read: Objective = { p95Ms: 200, p99Ms: 400, ...none };
const write: Objective = { p95Ms: 300, p99Ms: 600, ...none };
/** Waits for other services: inventory and order, or the gateway. */
const checkout: Objective = { p95Ms: 400, p99Ms: 800, ...none };

export const objectives: Record<Endpoint, Objective> = {
  'log in': write,
  refresh: write,
  'list products': read,
  'fetch product': read,
  'create cart': write,
  'add item': write,
  reserve: checkout,
  'read reservation': read,
  pay: checkout,
  'read order': read,
};

/**
 * The objectives are promised up to so many virtual users without think time. Beyond it a level shows where the limit is: a
 * missed objective is reported there, but breaks no promise.
 */
export const promisedVus = 500;

/** Bounds of the production-readiness checklist, at the highest promised level. */
export const readiness = {
  /** Processors that the shop and k6 may keep busy: beyond it waiting for a processor decides, and no peak is left for. */
  maxCpuShare: 0.85,
  /** Share of the machine that k6 may take before the figures say as much about k6 as about the shop. */
  maxK6Share: 0.25,
  /** How late a service comes to what is due: p99 of the worst two seconds. */
  maxEventLoopDelayMs: 100,
  /** Requests and events that wait in one process: two transactions full (BATCH_MAX). */
  maxLaneWaiting: 512,
  /** Requests that wait for a connection of the read pool. */
  maxPoolWaiting: 10,
  /** Messages in the fullest queue, and records in the fullest outbox. */
  maxQueueDepth: 10_000,
  maxOutboxDepth: 1_000,
  /** A process may grow by so much from the lowest to the highest level. */
  maxMemoryGrowth: 3,
};
