import { Redis } from 'ioredis';

/** A key with what is in it; `ttlMs` where it runs out. */
export type Key = { key: string; ttlMs?: number } & (
  { type: 'string'; value: string } | { type: 'hash'; value: Record<string, string> }
);

/** Everything in Redis. */
export function saveRedis(url: string): Promise<Key[]> {
  return withRedis(url, async (redis) => {
    const keys = (await redis.keys('*')).sort();
    return Promise.all(keys.map((key) => keyOf(redis, key)));
  });
}

/** Puts it back into an empty Redis; what had run out by then is not there. */
export async function restoreRedis(url: string, saved: Key[]): Promise<void> {
  await withRedis(url, async (redis) => {
    for (const one of saved) {
      await write(redis, one);
      if (one.ttlMs !== undefined) await redis.pexpire(one.key, one.ttlMs);
    }
    // Redis keeps nothing on disk, but reads what it finds there.
    await redis.save();
  });
}

async function keyOf(redis: Redis, key: string): Promise<Key> {
  const ttlMs = await redis.pttl(key);
  return { key, ...(await contentOf(redis, key)), ...(ttlMs >= 0 ? { ttlMs } : {}) };
}

async function contentOf(redis: Redis, key: string) {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return { type, value: (await redis.get(key)) ?? '' } as const;
    case 'hash':
      return { type, value: await redis.hgetall(key) } as const;
    default:
      throw new Error(`the key ${key} is a ${type}, which is not saved yet`);
  }
}

const write = (redis: Redis, { key, ...content }: Key): Promise<unknown> =>
  content.type === 'string' ? redis.set(key, content.value) : redis.hset(key, content.value);

async function withRedis<Result>(url: string, use: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  await redis.connect();
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
