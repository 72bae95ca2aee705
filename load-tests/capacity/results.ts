import { z } from 'zod';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { stackNames } from '@flash-sale/shared/stacks.ts';
import { count, machine } from '../lib/results.ts';

const service = z.object({
  /** Transactions of the lane, what they had in them (commands and events), and how long they took in all. */
  transactions: count,
  items: count,
  transactionSeconds: count,
  /** Answered, those of other services included. */
  requests: count,
});

/** What is counted from the start of a process on. */
const counters = z.object({
  /** Processor time by who used it: the services, `nginx`, `postgres`, `redis`, `rabbitmq`. */
  cpuSeconds: z.record(z.string(), count),
  /** Handed to the disk, by who did. */
  diskBytes: z.record(z.string(), count),
  services: z.record(z.enum(serviceNames), service),
  /** Of the whole server. A sync is one wait for the disk, which commits share. */
  postgres: z.object({ commits: count, walBytes: count, walSyncs: count, databaseBytes: count }),
  redis: z.object({ commands: count }),
});
export type Counters = z.infer<typeof counters>;

const stackCosts = z.object({
  stack: z.enum(stackNames),
  vus: count,
  seconds: count,
  checkouts: count,
  failed: count,
  checkoutsPerSecond: count,
  k6CpuSeconds: count,
  /** By all checkouts together. */
  spent: counters,
  /** Connections to PostgreSQL, of all instances. */
  connections: count,
  instancesPerService: count,
});
export type StackCosts = z.infer<typeof stackCosts>;

export const capacity = z.object({
  format: z.literal(1),
  startedAt: z.string(),
  machine,
  stacks: z.array(stackCosts).min(2),
});
/** What `npm run capacity` has measured, as it is kept in measured.json. */
export type Capacity = z.infer<typeof capacity>;
