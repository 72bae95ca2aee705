import type { StackDescription } from '@flash-sale/shared/stacks.ts';
import {
  pathKinds,
  publicPaths,
  repeatablePosts,
  serviceNames,
  type PathKind,
  type ServiceName,
} from '@flash-sale/contract/services.ts';

export interface NginxSettings {
  /** Where temporary files, the pid, and what edge.sh writes go. */
  dataDir: string;
  /** Where a line goes for each request that nginx refuses itself. */
  accessLog: string;
  /** Each with its port. */
  publicListen: string[];
  internalListen: string;
  balance: StackDescription['balancing'];
  /** Where the instances of each service listen; with ` resolve` after a name, the name stands for all of them. */
  servers: Record<ServiceName, string[]>;
  /** Who is asked for such names. */
  resolver?: string;
  /** Open files a worker may have. */
  openFiles: number;
  /** The user of the workers, when nginx is started by root. */
  runAs?: { user: string; group: string } | undefined;
}

/** Fills in the template. Throws if it names something we do not know. */
export function renderNginxConfig(template: string, settings: NginxSettings): string {
  const values: Values = {
    MAIN_DIRECTIVES: mainDirectives(settings.runAs),
    OPEN_FILES: settings.openFiles,
    WORKER_CONNECTIONS: Math.min(16_384, settings.openFiles - 64),
    DATA_DIR: settings.dataDir,
    ACCESS_LOG: settings.accessLog,
    RESOLVER: settings.resolver === undefined ? '# every server has a fixed address' : `resolver ${settings.resolver};`,
    PUBLIC_LISTEN: settings.publicListen
      .map((address) => `listen ${address} default_server backlog=4096;`)
      .join('\n    '),
    INTERNAL_LISTEN: settings.internalListen,
    BALANCE: settings.balance === 'least-connections' ? 'least_conn;' : '# round robin',
  };
  const pathsOf = (kind: PathKind) =>
    publicPaths.filter((one) => one.kind === kind).map(({ path, service }) => ({ PATH: path, SERVICE: service }));
  const lists: Record<string, Values[]> = {
    service: serviceNames.map((name) => ({ SERVICE: name, SERVERS: servers(settings.servers[name]) })),
    ...Object.fromEntries(pathKinds.map((kind) => [`${kind} path`, pathsOf(kind)])),
    'repeatable POST': repeatablePosts.map(({ path, service }) => ({ PATH: path, SERVICE: service })),
  };
  return fillIn(repeat(template, lists, values), values);
}

type Values = Record<string, string | number>;

/**
 * Writes what stands between `#each NAME of …` and `#end` once for each entry of the list of that name, with its values and the
 * common ones filled in. Throws for a list that we do not know.
 */
function repeat(template: string, lists: Record<string, Values[]>, common: Values): string {
  return template.replaceAll(/^ *#each (.+) of .*\n([^]*?)^ *#end\n/gm, (_, name: string, block: string) => {
    const list = lists[name];
    if (!list) throw new Error(`an nginx template goes through "${name}", which is no list`);
    return list.map((values) => fillIn(block, { ...common, ...values })).join('');
  });
}

/** Replaces each ${NAME} outside of comments. Throws if it names something that is not among the values. */
export function fillIn(template: string, values: Values): string {
  return template.replaceAll(/^(?!\s*#).*$/gm, (line) =>
    line.replaceAll(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`an nginx template names \${${name}}, which nobody fills in`);
      return String(value);
    }),
  );
}

/** In the foreground and, when started by root, with workers of another user. */
export function mainDirectives(runAs: NginxSettings['runAs']): string {
  return ['daemon off;', ...(runAs ? [`user ${runAs.user} ${runAs.group};`] : [])].join('\n');
}

/** None is ever taken out for a failure: nginx/README.md has the reasons. */
function servers(addresses: string[]): string {
  return addresses.map((address) => `server ${address} max_fails=0;`).join('\n    ');
}
