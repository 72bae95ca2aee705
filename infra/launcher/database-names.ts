/** The services, in the order in which a checkout meets them. */
export const services = ['user', 'inventory', 'reservation', 'order', 'payment'] as const;
export type ServiceName = (typeof services)[number];

/** One database per service, and one for the ledger of the built-in payment gateway, which stands for another company. */
export const databases = [...services, 'gateway'] as const;
export type DatabaseName = (typeof databases)[number];

/** The name of a database and of its runtime role on the server; prefixed, because a given server may hold others. */
export function databaseNameOf(name: DatabaseName): string {
  return `fs_${name}`;
}

export const auditorRole = 'fs_auditor';
