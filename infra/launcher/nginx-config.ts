import type { StackDescription } from '@flash-sale/shared/stacks.ts';
import { services, type ServiceName } from './database-names.ts';

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
  const values: Record<string, string | number> = {
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
    ...Object.fromEntries(services.map((name) => [`${name.toUpperCase()}_SERVERS`, servers(settings.servers[name])])),
  };
  return fillIn(template, values);
}

/** Replaces each ${NAME} outside of comments. Throws if it names something that is not among the values. */
export function fillIn(template: string, values: Record<string, string | number>): string {
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
