import { services, type ServiceName } from './database-names.ts';

export interface NginxSettings {
  /** Where temporary files and the pid go. */
  dataDir: string;
  errorLog: string;
  publicHost: string;
  publicPort: number;
  internalPort: number;
  balance: 'round-robin' | 'least-connections';
  /** Where the instances of each service listen, all on loopback. */
  ports: Record<ServiceName, number[]>;
  /** Open files a worker may have. */
  openFiles: number;
  /** The user of the workers, when nginx is started by root. */
  runAs?: { user: string; group: string } | undefined;
}

/** Fills in the template. Throws if it names something we do not know. */
export function renderNginxConfig(template: string, settings: NginxSettings): string {
  const host = settings.publicHost.includes(':') ? `[${settings.publicHost}]` : settings.publicHost;
  const values: Record<string, string | number> = {
    MAIN_DIRECTIVES: mainDirectives(settings.runAs),
    OPEN_FILES: settings.openFiles,
    WORKER_CONNECTIONS: Math.min(16_384, settings.openFiles - 64),
    DATA_DIR: settings.dataDir,
    ERROR_LOG: settings.errorLog,
    PUBLIC_LISTEN: `${host}:${settings.publicPort}`,
    INTERNAL_LISTEN: `127.0.0.1:${settings.internalPort}`,
    BALANCE: settings.balance === 'least-connections' ? 'least_conn;' : '# round robin',
    ...Object.fromEntries(services.map((name) => [`${name.toUpperCase()}_SERVERS`, servers(settings.ports[name])])),
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

function servers(ports: number[]): string {
  return ports.map((port) => `server 127.0.0.1:${port} max_fails=1 fail_timeout=1s;`).join('\n    ');
}
