import { chmod, copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the services leave their CPU profiles, and how those get to where they are wanted. */
export interface Profiles {
  /** For the environment of the services. */
  env: { NODE_OPTIONS: string };
  /** To be called when the services have ended, who write them as the last thing they do. */
  collect(): Promise<void>;
}

/** The services may run as a user who can enter and write nothing of ours: they get a folder where everybody may. */
export async function profilesInto(destination: string): Promise<Profiles> {
  const folder = await mkdtemp(join(tmpdir(), 'flash-sale-profiles-'));
  await chmod(folder, 0o1777);
  return {
    env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` },
    collect: async () => {
      await mkdir(destination, { recursive: true });
      // Nothing else that somebody may have put there.
      const files = (await readdir(folder, { withFileTypes: true })).filter(
        (entry) => entry.isFile() && entry.name.endsWith('.cpuprofile'),
      );
      for (const { name } of files) await copyFile(join(folder, name), join(destination, name));
      await rm(folder, { recursive: true });
    },
  };
}
