import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stackNames } from '@flash-sale/shared/stacks.ts';
import { formatted } from '../generated-file.ts';
import { withBlocks } from '../listed-blocks.ts';
import { blocksOf, documents } from './blocks.ts';
import { nginxFiles } from './nginx.ts';
import { replicasComponent, serviceManifests } from './service-manifests.ts';

const at = (path: string) => join(import.meta.dirname, path);
const header = `# Written by \`npm run kubernetes\` from contract/src/services.ts. Do not edit.
# For each process: its account; a headless Service, whose name stands for the pods that are ready, between which nginx itself
# chooses; the pods, of which an autoscaler decides how many there are; and how many of them may be missing.
`;
const headerOfReplicas = `# Written by \`npm run kubernetes\` from contract/src/services.ts. Do not edit.
# Shoppers read from the standbys of PostgreSQL what is new enough for them, and all else from the primary. To have it, write
# \`components: [<path to this folder>]\` into an overlay.
`;

/** All files of this folder in which something follows from our lists, as they are to be, by their path in it. */
export async function kubernetesFiles(): Promise<Record<string, string>> {
  const { version } = JSON.parse(await readFile(at('../../package.json'), 'utf8')) as { version: string };
  const services = stackNames.map((stack): [string, string] => [
    `overlays/${stack}/services.yaml`,
    header + documents(serviceManifests(stack, version)).join('\n'),
  ]);
  const replicas = [
    'components/replicas/kustomization.yaml',
    headerOfReplicas + documents([replicasComponent()]).join('\n'),
  ] as const;
  const withLists = Object.entries(blocksOf).map(async ([path, blocks]): Promise<[string, string]> => [
    path,
    withBlocks(await readFile(at(path), 'utf8'), blocks),
  ]);
  const files = [...services, replicas, ...(await Promise.all(withLists))].map(async ([path, text]) => [
    path,
    path.endsWith('.yaml') ? await formatted(at(path), text) : text,
  ]);
  return { ...(await nginxFiles()), ...(Object.fromEntries(await Promise.all(files)) as Record<string, string>) };
}
