import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { stockKey } from '@flash-sale/shared/redis/stock-view.ts';
import { maxFound, Undecided, type Check } from '../check.ts';
import type { Databases, Snapshot } from '../snapshot.ts';

export interface Level {
  key: string;
  available: number;
  version: number;
}
export type Known = Pick<Level, 'available' | 'version'> | undefined;

const atOnce = 1_000;
const lookAgainMs = 250;

/**
 * A level is written to Redis after its commit, and shoppers may go on buying: wrong is only what stays the same wrong
 * for all of `patienceMs`.
 */
export const redisEqualsStock = (databases: Databases, redis: Redis, patienceMs: number): Check => ({
  invariant: 6,
  title: 'Redis equals PostgreSQL',
  unit: ['product', 'products'],
  async run() {
    let firstLookAt: number | undefined;
    let wrongSince = new Map<string, number>();
    for (;;) {
      const { counted, wrong } = await databases.view(1, (fresh) => unequalLevels(fresh, redis));
      const now = performance.now();
      firstLookAt ??= now; // not before it: on a busy machine a look may take longer than all the patience
      wrongSince = new Map(wrong.map((one) => [one, wrongSince.get(one) ?? now]));
      const steadily = wrong.filter((one) => now - wrongSince.get(one)! >= patienceMs);
      if (wrong.length === 0 || steadily.length > 0) return { counted, wrong: steadily.slice(0, maxFound) };
      if (now - firstLookAt > 3 * patienceMs) {
        throw new Undecided('Stock changes faster than it can be compared with Redis.');
      }
      await sleep(lookAgainMs);
    }
  },
});

async function unequalLevels({ stream }: Snapshot, redis: Redis): Promise<{ counted: number; wrong: string[] }> {
  let counted = 0;
  const wrong: string[] = [];
  let page: Level[] = [];
  const compare = async () => {
    const known = await knownTo(redis, page);
    page.forEach((level, index) => isEqual(level, known[index]) || wrong.push(describeLevel(level, known[index])));
    counted += page.length;
    page = [];
  };
  const levels = stream<Level>(
    'inventory',
    'SELECT product_id AS key, total - held - sold AS available, version FROM stock ORDER BY product_id',
  );
  for await (const level of levels) if (page.push(level) === atOnce) await compare();
  await compare();
  return { counted, wrong };
}

async function knownTo(redis: Redis, levels: Level[]): Promise<Known[]> {
  const pipeline = redis.pipeline();
  for (const { key } of levels) pipeline.hmget(stockKey(key), 'available', 'version');
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, values]) => {
    if (error) throw error;
    const [available, version] = values as [string | null, string | null];
    if (available === null || version === null) return undefined;
    return { available: Number(available), version: Number(version) };
  });
}

export function isEqual(level: Level, known: Known): boolean {
  return known !== undefined && known.version === level.version && known.available === level.available;
}

export function describeLevel({ key, available, version }: Level, known: Known): string {
  const inRedis = known ? `${known.available} in version ${known.version}` : 'nothing';
  return `product ${key}: ${available} available in version ${version}, Redis says ${inRedis}`;
}
