import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stackNames, type StackName } from '@flash-sale/shared/stacks.ts';
import { formatted } from '../generated-file.ts';
import { withBlocks, type Blocks } from '../listed-blocks.ts';
import { blocksOfServers, blocksOfServices, blocksOfStack } from './compose-blocks.ts';

export const root = join(import.meta.dirname, '../..');

/** Of a stack, from the root of the repository. */
export const composeFileOf = (stack: StackName): string => `docker-compose.${stack}.yml`;

const blocksOf: Record<string, (text: string) => Blocks> = {
  'infra/docker/servers.yml': blocksOfServers,
  'infra/docker/services.yml': blocksOfServices,
  ...Object.fromEntries(stackNames.map((stack) => [composeFileOf(stack), () => blocksOfStack(stack)])),
};

/** The files of Compose as they are to be, by their path from the root, with all that is written by hand as it is. */
export async function composeFiles(): Promise<Record<string, string>> {
  const files = Object.entries(blocksOf).map(async ([path, blocks]) => {
    const file = join(root, path);
    const text = await readFile(file, 'utf8');
    return [path, await formatted(file, withBlocks(text, blocks(text)))] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}
