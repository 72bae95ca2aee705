/** `npm run compose`: writes what follows from the lists of services and stacks into the files of Compose. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit, noArguments } from './command-line.ts';
import { composeFiles, root } from './docker/compose-files.ts';

argumentsOrExit(
  noArguments,
  'usage: npm run compose   renews what follows from contract/src/services.ts in the files of Compose',
);
for (const [path, text] of Object.entries(await composeFiles())) {
  await writeFile(join(root, path), text);
  console.log(`written: ${path}`);
}
