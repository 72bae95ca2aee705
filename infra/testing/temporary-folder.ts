import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Others may pass through it: as root, the servers run as another user. */
export async function temporaryFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `flash-sale-test-${name}-`));
  await chmod(folder, 0o711);
  return folder;
}
