import { join, relative } from 'node:path';
import { servicesIn, type Stack } from './stack-types.ts';

/** Whom the start has given an account. */
export interface Accounts {
  /** Of the demo; undefined without it. */
  demoShoppers: number | undefined;
  /** The admin of ADMIN_EMAIL. */
  adminEmail: string | undefined;
}

type Started = Pick<Stack, 'url' | 'stack' | 'layout' | 'influxUrl' | 'tracesFolder' | 'processes' | 'dataDir'>;

/** What `npm start` says once the shop is open: where everything is, and who may come in. The last line is for programs, too. */
export function welcome(started: Started, accounts: Accounts): string[] {
  const { url, stack, layout, influxUrl, tracesFolder, processes, dataDir } = started;
  const [first] = processes.flatMap((one) => servicesIn(one).map(({ port }) => ({ name: one.name, port })));
  return [
    '',
    `  shop API      ${url}/api/products   (${stack}, ${layout})`,
    `  API docs      ${url}/api/docs`,
    `  health        ${url}/readyz`,
    `  metrics       http://127.0.0.1:${first!.port}/metrics (${first!.name}; each service has its own${influxUrl ? ', and InfluxDB has all' : ''}: docs/monitoring.md)`,
    ...(influxUrl ? ['  dashboards    in a Grafana of yours: infra/grafana/README.md'] : []),
    ...(tracesFolder ? ['  traces        npm run trace -- <the id of an order>: docs/monitoring.md'] : []),
    ...linesOf(accounts),
    `  logs          ${relative(process.cwd(), join(dataDir, 'logs')) || '.'}`,
    '  stop          Ctrl-C',
    '',
    `ready ${url}`,
  ];
}

function linesOf({ demoShoppers, adminEmail }: Accounts): string[] {
  const admin = adminEmail === undefined ? [] : [`  admin         ${adminEmail}, with the password of ADMIN_PASSWORD`];
  if (demoShoppers !== undefined)
    return [
      `  accounts      admin@example.com, shopper1@example.com … shopper${demoShoppers}@example.com`,
      '                all with the password flash-sale-demo',
      ...admin,
    ];
  if (admin.length > 0) return admin;
  return ['  accounts      those that the data has; --set ADMIN_EMAIL=… makes an admin: docs/your-own-sale.md'];
}
