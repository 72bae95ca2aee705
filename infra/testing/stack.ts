import { rm } from 'node:fs/promises';
import { startStack } from '../launcher/stack.ts';
import type { Stack, StackOptions } from '../launcher/stack-types.ts';
import { dataFolder } from './prepared-data.ts';

export interface TestStack {
  stack: Stack;
  /** Stops it and removes everything it has written. */
  close(): Promise<void>;
}

/** A whole stack for one test file, on free ports and in a folder of its own. If it does not start, its log is in the error. */
export async function startTestStack(options: Omit<StackOptions, 'dataDir'>): Promise<TestStack> {
  const dataDir = await dataFolder('stack');
  const remove = () => rm(dataDir, { recursive: true, force: true });
  try {
    const stack = await startStack({ ...options, dataDir });
    return { stack, close: () => stack.stop().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
