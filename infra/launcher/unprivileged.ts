import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, open, rm, stat, symlink } from 'node:fs/promises';
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

/** Whom each program may run as, the first that there is: those that its package makes, each with nothing but its own. */
const usersOf = {
  postgres: ['postgres', 'nobody'],
  redis: ['redis', 'valkey', 'nobody'],
  rabbitmq: ['rabbitmq', 'nobody'],
  influxdb: ['influxdb', 'nobody'],
  nginx: ['www-data', 'nginx', 'http', 'nobody'],
  services: ['nobody'],
} as const;
export type Unprivileged = keyof typeof usersOf;

/**
 * PostgreSQL refuses to run as root, and nothing should that hears from others: started by root, each program runs as
 * a user of its own, so that who breaks into one has not got the data of the next. Undefined when we are not root
 * ourselves: then all of them run as we do. To be asked when its package is there, which may make the user.
 */
export async function unprivilegedUser(program: Unprivileged): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of usersOf[program]) {
    const ask = async (what: string) => (await runCommand('id', [what, user])).output;
    const uid = await ask('-u');
    if (!/^\d+$/.test(uid)) continue;
    return { user, uid: Number(uid), gid: Number(await ask('-g')), group: await ask('-gn') };
  }
  throw new Error(`${program} should not run as root, and there is no user ${usersOf[program].join(' or ')} for it.`);
}

/**
 * Makes the folder `<dataDir>/data/<name>`, owned by the server's user, and answers where it is: elsewhere if that user
 * cannot get there, as in a home that only root may enter. What root writes in there goes through `writeFor`.
 */
export async function serverFolder(dataDir: string, name: string, runAs: RunAs | undefined): Promise<string> {
  return reachableFolder(dataDir, name, runAs, async (folder) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (runAs) await giveTo(runAs, folder);
  });
}

/**
 * The same for a server of which a part stays root, and reads its configuration there at each start: the folder is made anew
 * and is ours, so that who breaks into the server cannot have root read another. Its user may pass through, to folders in
 * it that are given to it.
 */
export async function masterFolder(dataDir: string, name: string, runAs: RunAs | undefined): Promise<string> {
  return reachableFolder(dataDir, name, runAs, async (folder) => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await chmod(folder, runAs ? 0o711 : 0o700);
  });
}

async function reachableFolder(
  dataDir: string,
  name: string,
  runAs: RunAs | undefined,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const wanted = join(dataDir, 'data', name);
  await make(wanted);
  if (!runAs) return wanted;
  for (const passage of [dataDir, join(dataDir, 'data')]) await allowPassage(passage);
  if (await canEnter(runAs, wanted)) return wanted;
  const substitute = join(await substituteFolder(dataDir), name);
  await make(substitute);
  if (await canEnter(runAs, substitute)) return substitute;
  throw new Error(`The user ${runAs.user} can enter neither ${wanted} nor ${substitute}.`);
}

async function canEnter(runAs: RunAs, folder: string): Promise<boolean> {
  const { code } = await runCommand('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { runAs, cwd: '/' });
  return code === 0;
}

/**
 * Writes a file anew for a server's user, in a folder of that user. Whatever the user has put in its place is not followed, nor
 * what it may put there while we write: the file is made as a new one, and given away by its descriptor.
 */
export async function writeFor(runAs: RunAs | undefined, file: string, text: string, mode: number): Promise<void> {
  await rm(file, { force: true });
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(text);
    if (runAs) await handle.chown(runAs.uid, runAs.gid);
  } finally {
    await handle.close();
  }
}

/** Others may pass through, not look inside: what is private in there has a mode of its own. */
async function allowPassage(folder: string): Promise<void> {
  const { mode } = await stat(folder);
  if ((mode & 0o011) !== 0o011) await chmod(folder, (mode & 0o7777) | 0o011);
}

/** With all that is in it: an earlier release may have run the server as another user. */
async function giveTo(runAs: RunAs, folder: string): Promise<void> {
  const { uid } = await stat(folder);
  if (uid === runAs.uid) return;
  const { code, output } = await runCommand('chown', ['-hR', `${runAs.uid}:${runAs.gid}`, folder]);
  if (code !== 0) throw new Error(`${folder} could not be given to ${runAs.user}: ${output}`);
}

const plain = /^[\p{L}\p{N}/._@+-]*$/u;

/**
 * The folder by a path that needs no quoting: itself, or a link to it. For RabbitMQ, whose shell scripts and whose Erlang
 * stumble over quotes, colons and braces in any of its paths.
 */
export async function plainFolder(folder: string): Promise<string> {
  if (plain.test(folder)) return folder;
  const link = join(await substituteFolder(folder), 'link');
  await rm(link, { force: true });
  await symlink(folder, link);
  return link;
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
