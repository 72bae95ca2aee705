import { findExecutable } from './find-executable.ts';
import { withProgress } from './progress.ts';
import { runCommand } from './run-command.ts';

/** We install by ourselves where it needs no password and we know the package manager: as root, or with free sudo, on Debian's kin. */
export async function canInstall(): Promise<boolean> {
  if (!findExecutable('apt-get')) return false;
  if (process.getuid?.() === 0) return true;
  const sudo = findExecutable('sudo');
  return sudo !== undefined && (await runCommand(sudo, ['-n', 'true'])).code === 0;
}

/**
 * Debian's packages start what they install, as a system service on the default port. policy-rc.d is its switch
 * against that (invoke-rc.d and deb-systemd-invoke both ask it); one that is there already is left as it is, and ours
 * goes away again whatever happens.
 */
export const installScript = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends "$@"
`;

/** Installs Debian packages without starting anything. Throws with the end of apt-get's output. */
export async function install(packages: string[], say: (line: string) => void): Promise<void> {
  say(`installing ${packages.join(', ')} with apt-get (a minute or two) …`);
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const [command = 'sh', ...args] = [...asRoot, 'sh', '-c', installScript, 'install', ...packages];
  const { code, output } = await withProgress(say, (note) => runCommand(command, args, { onLine: note }));
  if (code !== 0) throw new Error(`apt-get failed:\n${output.split('\n').slice(-15).join('\n')}`);
}
