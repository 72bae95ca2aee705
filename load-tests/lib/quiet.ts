import { until } from '../../test-kit/until.ts';
import { underWay, usualMaxAttempts as maxAttempts } from '../../infra/audit/quiet.ts';
import { Databases } from '../../infra/audit/snapshot.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';

const withinMs = 300_000;
const lookEveryMs = 100;

/**
 * Waits until the stack has ended what an earlier load has left to do: the next one would be measured with it. Throws when
 * that takes longer than five minutes.
 */
export async function untilQuiet(stack: Pick<Stack, 'stack' | 'databaseUrls'>, signal?: AbortSignal): Promise<void> {
  await using databases = await Databases.connect(stack.databaseUrls);
  const isQuiet = async () => {
    signal?.throwIfAborted();
    const open = await databases.view(1, (snapshot) => underWay(snapshot, { stack: stack.stack, maxAttempts }));
    return open.length === 0;
  };
  await until('a shop at rest', isQuiet, withinMs, lookEveryMs);
}
