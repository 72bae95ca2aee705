/** What is told of a service in more than one place, beside its name. Its events stand in events/subscriptions.ts. */
export interface ServiceDescription {
  /** The public paths that lead to it, each with all below it, and how nginx passes requests for them on. */
  paths: Readonly<Record<`/api/${string}`, PathKind>>;
  /** Whether it keeps anything: then it has a database of its own name, and its events an outbox there. */
  hasDatabase: boolean;
  /** Its databases beside that: it gets the runtime role's URL of `gateway` as `GATEWAY_DATABASE_URL`. */
  furtherDatabases: readonly string[];
}

/**
 * What nginx does when an instance does not answer (nginx/README.md):
 * - `plain`: a read moves on to another instance when one takes its time; a write that has begun is never sent twice
 * - `waited-for`: as `plain`, but reads may take their time, too
 * - `repeatable`: as `plain`, but writes are sent again: their `Idempotency-Key` makes that harmless
 */
export const pathKinds = ['plain', 'waited-for', 'repeatable'] as const;
export type PathKind = (typeof pathKinds)[number];

/**
 * Every service there is, in the order in which a checkout meets them. Whatever goes through all services goes through these. A new
 * one comes last: by its place it has its address and its port in containers, and while those of a release before run beside.
 */
export const services = {
  user: {
    paths: { '/api/users': 'plain', '/api/sessions': 'plain', '/api/docs': 'plain' },
    hasDatabase: true,
    furtherDatabases: [],
  },
  inventory: {
    paths: { '/api/products': 'plain' },
    hasDatabase: true,
    furtherDatabases: [],
  },
  reservation: {
    paths: { '/api/carts': 'plain', '/api/reservations': 'repeatable' },
    hasDatabase: true,
    furtherDatabases: [],
  },
  order: {
    paths: { '/api/orders': 'waited-for' },
    hasDatabase: true,
    furtherDatabases: [],
  },
  payment: {
    paths: { '/api/payments': 'repeatable' },
    hasDatabase: true,
    // The ledger of the built-in payment gateway, which stands for another company.
    furtherDatabases: ['gateway'],
  },
} as const satisfies Record<string, ServiceDescription>;

/** The names are in settings, queues, users of servers, databases and metrics that others keep. */
export type ServiceName = keyof typeof services;
export type FurtherDatabase = (typeof services)[ServiceName]['furtherDatabases'][number];

export const serviceNames = Object.keys(services) as readonly ServiceName[];

export type ServiceWithDatabase = {
  [Name in ServiceName]: (typeof services)[Name]['hasDatabase'] extends true ? Name : never;
}[ServiceName];
export const servicesWithDatabase: readonly ServiceWithDatabase[] = serviceNames.filter(
  (name): name is ServiceWithDatabase => services[name].hasDatabase,
);

/**
 * Paths, without what is below them, to which nginx sends a POST again as well, though it carries no key: whoever logs in twice has a
 * session that nobody uses. Not a refresh: its token would count as stolen when it comes twice.
 */
export const repeatablePosts = [{ path: '/api/sessions', service: 'user' }] as const satisfies readonly {
  path: `/api/${string}`;
  service: ServiceName;
}[];

/** The public paths of all services, each with the one that answers. */
export const publicPaths = serviceNames.flatMap((service) =>
  Object.entries<PathKind>(services[service].paths).map(([path, kind]) => ({ path, kind, service })),
);
