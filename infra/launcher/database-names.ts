import {
  serviceNames,
  services,
  servicesWithDatabase,
  type FurtherDatabase,
  type ServiceName,
  type ServiceWithDatabase,
} from '@flash-sale/contract/services.ts';

/** One database for each service that has any, and those that a service has besides. */
export type DatabaseName = ServiceWithDatabase | FurtherDatabase;
export const databases: readonly DatabaseName[] = [
  ...servicesWithDatabase,
  ...serviceNames.flatMap((name): readonly DatabaseName[] => services[name].furtherDatabases),
];

/** The database of a service's own name, if it has one. */
export const ownDatabaseOf = (service: ServiceName): ServiceWithDatabase | undefined =>
  servicesWithDatabase.find((name) => name === service);

/** The databases of a service, each with what its settings begin with: `DATABASE` for the one of its own name, `GATEWAY_DATABASE`. */
export function databasesOf(service: ServiceName): { setting: string; name: DatabaseName }[] {
  const own = ownDatabaseOf(service);
  return [
    ...(own === undefined ? [] : [{ setting: 'DATABASE', name: own }]),
    ...services[service].furtherDatabases.map((name) => ({ setting: `${name.toUpperCase()}_DATABASE`, name })),
  ];
}

/** The name of a database and of its runtime role on the server; prefixed, because a given server may hold others. */
export function databaseNameOf(name: DatabaseName): string {
  return `fs_${name}`;
}

export const auditorRole = 'fs_auditor';
