import { join } from 'node:path';
import { startBehindNginx } from '../lib/behind-nginx.ts';
import type { RunningSide } from '../turns/side.ts';

/** What this machine can do at most: two Express processes that say hello, behind an nginx like that of a stack. */
export async function openYardstick(folder: string, signal: AbortSignal): Promise<RunningSide> {
  const hello = await startBehindNginx({ name: 'hello', script: join(import.meta.dirname, 'hello.ts') }, folder);
  return {
    target: () => ({ url: hello.url, stack: 'yardstick', processes: hello.processes, signal }),
    untilAtRest: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => hello[Symbol.asyncDispose](),
  };
}
