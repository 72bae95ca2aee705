import type { RedisUser } from '../launcher/redis-users.ts';
import { startTestRedis } from './servers.ts';

export interface TestRedis {
  /** Of somebody who may do everything. */
  url: string;
  /** Of a service, with its rights. */
  urlOf(user: RedisUser): string;
  /** Takes the server away, with everything in it, and brings it back empty at the same address. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** For the end of the test file: stops it and removes its folder. */
  close(): Promise<void>;
}

/** A private Redis for one test file, which may therefore do with it whatever it likes. */
export async function createTestRedis(): Promise<TestRedis> {
  return startTestRedis();
}
