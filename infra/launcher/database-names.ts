import { serviceNames, services, type FurtherDatabase, type ServiceName } from '@flash-sale/contract/services.ts';

/** One database per service, and those that a service has beside it. */
export type DatabaseName = ServiceName | FurtherDatabase;
export const databases: readonly DatabaseName[] = [
  ...serviceNames,
  ...serviceNames.flatMap((name): readonly DatabaseName[] => services[name].furtherDatabases),
];

/** The name of a database and of its runtime role on the server; prefixed, because a given server may hold others. */
export function databaseNameOf(name: DatabaseName): string {
  return `fs_${name}`;
}

export const auditorRole = 'fs_auditor';
