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
    MAIN_DIRECTIVES: ['daemon off;', ...(settings.runAs ? [userDirective(settings.runAs)] : [])].join('\n'),
    OPEN_FILES: settings.openFiles,
    WORKER_CONNECTIONS: Math.min(16_384, settings.openFiles - 64),
    DATA_DIR: settings.dataDir,
    ERROR_LOG: settings.errorLog,
    PUBLIC_LISTEN: `${host}:${settings.publicPort}`,
    INTERNAL_LISTEN: `127.0.0.1:${settings.internalPort}`,
    BALANCE: settings.balance === 'least-connections' ? 'least_conn;' : '# round robin',
    ...Object.fromEntries(services.map((name) => [`${name.toUpperCase()}_SERVERS`, servers(settings.ports[name])])),
  };
  return template.replaceAll(/^(?!\s*#).*$/gm, (line) =>
    line.replaceAll(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`nginx.conf.template names \${${name}}, which nobody fills in`);
      return String(value);
    }),
  );
}

function userDirective({ user, group }: { user: string; group: string }): string {
  return `user ${user} ${group};`;
}

function servers(ports: number[]): string {
  return ports.map((port) => `server 127.0.0.1:${port} max_fails=1 fail_timeout=1s;`).join('\n    ');
}
