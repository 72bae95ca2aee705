/** `npm run kubernetes`: writes nginx's configuration anew to where Kustomize finds it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit, noArguments } from './command-line.ts';
import { nginxFiles } from './kubernetes/nginx.ts';

argumentsOrExit(noArguments, "usage: npm run kubernetes   renews nginx's configuration in infra/kubernetes");

for (const [name, text] of Object.entries(await nginxFiles())) {
  const file = join(import.meta.dirname, 'kubernetes', name);
  await writeFile(file, text);
  console.log(`written: ${file}`);
}
