import { join } from 'node:path';
import { defaultStack } from '@flash-sale/shared/stacks.ts';
import { folderWith } from './find-executable.ts';
import { canInstall, install } from './install.ts';

/** A server the stack needs on the machine. A further one is a further entry of `catalogue`. */
export interface ServerProgram {
  /** Alternatives; each is a set of executables that must lie in one folder. */
  executables: string[][];
  /** Folders to look into besides the PATH; `*` stands for versions. */
  folders: string[];
  /** Folders to look into before the PATH, if what lies there is not what we want. */
  preferredFolders?: string[];
  packages: { debian: string; fedora: string; arch: string; alpine: string; macos: string };
  /** The variable that names a server to use instead, if there is one. */
  givenBy?: string;
}

export const catalogue = {
  postgres: {
    executables: [['postgres', 'initdb']],
    folders: [
      '/usr/lib/postgresql/*/bin',
      '/usr/pgsql-*/bin',
      '/usr/libexec/postgresql*',
      '/opt/homebrew/opt/postgresql@*/bin',
    ],
    packages: {
      debian: 'postgresql',
      fedora: 'postgresql-server',
      arch: 'postgresql',
      alpine: 'postgresql',
      macos: 'postgresql@17',
    },
    givenBy: 'DATABASE_URL',
  },
  redis: {
    executables: [['redis-server'], ['valkey-server']],
    folders: [],
    packages: { debian: 'redis-server', fedora: 'valkey', arch: 'valkey', alpine: 'valkey', macos: 'redis' },
    givenBy: 'REDIS_URL',
  },
  rabbitmq: {
    executables: [['rabbitmq-server', 'rabbitmqctl']],
    folders: ['/opt/homebrew/opt/rabbitmq/sbin', '/usr/local/opt/rabbitmq/sbin'],
    // In the PATH, Linux distributions have wrappers, which change to their own user and folder.
    preferredFolders: ['/usr/lib/rabbitmq/bin', '/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin'],
    packages: {
      debian: 'rabbitmq-server',
      fedora: 'rabbitmq-server',
      arch: 'rabbitmq',
      alpine: 'rabbitmq-server',
      macos: 'rabbitmq',
    },
    givenBy: 'AMQP_URL',
  },
  erlang: {
    executables: [['erl', 'epmd']],
    folders: ['/usr/lib/erlang/bin', '/usr/lib64/erlang/bin', '/opt/homebrew/opt/erlang@*/bin'],
    packages: { debian: 'erlang-base', fedora: 'erlang-erts', arch: 'erlang', alpine: 'erlang', macos: 'erlang' },
  },
  nginx: {
    executables: [['nginx']],
    folders: [],
    packages: { debian: 'nginx', fedora: 'nginx', arch: 'nginx', alpine: 'nginx', macos: 'nginx' },
  },
  influxdb: {
    executables: [['influxd']],
    folders: [],
    packages: { debian: 'influxdb', fedora: 'influxdb', arch: 'influxdb', alpine: 'influxdb', macos: 'influxdb' },
  },
} satisfies Record<string, ServerProgram>;

export type ProgramName = keyof typeof catalogue;
export type Programs<Name extends ProgramName = ProgramName> = Record<Name, string[]>;

/** Programs are missing, and we may not install them. The message says what to do. */
export class MissingPrograms extends Error {}

/**
 * Finds the named programs, and installs what is missing where that is possible. Answers the full paths of each one's
 * executables, in the order of the catalogue. Throws MissingPrograms.
 */
export async function preparePrograms<Name extends ProgramName>(
  names: Name[],
  say: (line: string) => void,
  path?: string,
): Promise<Programs<Name>> {
  let missing = names.filter((name) => !find(name, path));
  if (missing.length > 0 && path === undefined && (await canInstall())) {
    await install(
      missing.map((name) => catalogue[name].packages.debian),
      say,
    );
    missing = names.filter((name) => !find(name));
  }
  if (missing.length > 0) throw new MissingPrograms(whatToInstall(missing));
  return Object.fromEntries(names.map((name) => [name, find(name, path)])) as Programs<Name>;
}

function find(name: ProgramName, path?: string): string[] | undefined {
  const { executables, folders, preferredFolders }: ServerProgram = catalogue[name];
  for (const set of executables) {
    const folder = folderWith(set, folders, path, preferredFolders);
    if (folder) return set.map((executable) => join(folder, executable));
  }
  return undefined;
}

/** One message with everything in it: the reader should not have to come back for the next program. */
export function whatToInstall(missing: ProgramName[]): string {
  const programs: ServerProgram[] = missing.map((name) => catalogue[name]);
  const packages = (system: keyof ServerProgram['packages']) => programs.map((one) => one.packages[system]).join(' ');
  const given = programs.flatMap((one) => one.givenBy ?? []);
  return [
    `Not found on this machine: ${missing.join(', ')}. Install them, and start again:`,
    `  Debian, Ubuntu   sudo apt-get install ${packages('debian')}`,
    `  Fedora, RHEL     sudo dnf install ${packages('fedora')}`,
    `  Arch             sudo pacman -S ${packages('arch')}`,
    `  Alpine           sudo apk add ${packages('alpine')}`,
    `  macOS            brew install ${packages('macos')}`,
    ...(given.length > 0 ? [`or name running servers in ${listed(given)};`] : []),
    `or run the stack in containers: docker compose -f docker-compose.${defaultStack}.yml up`,
  ].join('\n');
}

function listed(names: string[]): string {
  const others = names.slice(0, -1).join(', ');
  return [others, ...names.slice(-1)].filter(Boolean).join(' and ');
}
