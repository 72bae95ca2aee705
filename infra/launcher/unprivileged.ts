import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCommand } from './run-command.ts';

/** A user to run a server as. */
export interface RunAs {
  user: string;
  group: string;
  uid: number;
  gid: number;
}

/**
 * PostgreSQL refuses to run as root, and no server should: started by root, the servers run as `postgres` or, without
 * such a user, as `nobody`. Undefined when we are not root ourselves: then they run as we do.
 */
export async function unprivilegedUser(): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of ['postgres', 'nobody']) {
    const ask = async (what: string) => (await runCommand('id', [what, user])).output;
    const uid = await ask('-u');
    if (!/^\d+$/.test(uid)) continue;
    return { user, uid: Number(uid), gid: Number(await ask('-g')), group: await ask('-gn') };
  }
  throw new Error('PostgreSQL refuses to run as root, and there is no user "postgres" or "nobody" to run it as.');
}

/**
 * Makes the folder `<dataDir>/data/<name>`, owned by the server's user, and answers where it is: elsewhere if that user
 * cannot get there, as in a home that only root may enter.
 */
export async function serverFolder(dataDir: string, name: string, runAs: RunAs | undefined): Promise<string> {
  const wanted = join(dataDir, 'data', name);
  await mkdir(wanted, { recursive: true, mode: 0o700 });
  if (!runAs) return wanted;
  for (const passage of [dataDir, join(dataDir, 'data')]) await allowPassage(passage);
  await giveTo(runAs, wanted);
  if (await canEnter(runAs, wanted)) return wanted;
  const substitute = join(await substituteFolder(dataDir), name);
  await mkdir(substitute, { recursive: true, mode: 0o700 });
  await giveTo(runAs, substitute);
  if (await canEnter(runAs, substitute)) return substitute;
  throw new Error(`The user ${runAs.user} can enter neither ${wanted} nor ${substitute}.`);
}

async function canEnter(runAs: RunAs, folder: string): Promise<boolean> {
  const { code } = await runCommand('/bin/sh', ['-c', 'cd "$1" && test -w .', 'sh', folder], { runAs, cwd: '/' });
  return code === 0;
}

/** Others may pass through, not look inside: what is private in there has a mode of its own. */
async function allowPassage(folder: string): Promise<void> {
  const { mode } = await stat(folder);
  if ((mode & 0o011) !== 0o011) await chmod(folder, (mode & 0o7777) | 0o011);
}

async function giveTo(runAs: RunAs, folder: string): Promise<void> {
  const { uid } = await stat(folder);
  if (uid !== runAs.uid) await chown(folder, runAs.uid, runAs.gid);
}

/** One per data folder, and the same at each start. Anybody may write to these places, so it must really be ours. */
async function substituteFolder(dataDir: string): Promise<string> {
  const hash = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 12);
  const folder = join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), `flash-sale-${hash}`);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${folder} belongs to somebody else.`);
  return folder;
}
