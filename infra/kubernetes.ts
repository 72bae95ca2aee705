/** `npm run kubernetes`: writes anew what follows from the lists of services and stacks, and nginx's configuration, to where Kustomize finds it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit, noArguments } from './command-line.ts';
import { kubernetesFiles } from './kubernetes/files.ts';

argumentsOrExit(
  noArguments,
  "usage: npm run kubernetes   renews what follows from contract/src/services.ts, and nginx's configuration, in infra/kubernetes",
);

for (const [name, text] of Object.entries(await kubernetesFiles())) {
  const file = join(import.meta.dirname, 'kubernetes', name);
  await writeFile(file, text);
  console.log(`written: ${file}`);
}
