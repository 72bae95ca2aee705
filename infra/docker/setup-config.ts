import { z } from 'zod';
import { databases, type DatabaseName } from '../launcher/database-names.ts';
import type { Secrets } from '../launcher/secrets.ts';

type Owner = `${Uppercase<DatabaseName>}_DB_OWNER_PASSWORD`;
type Runtime = `${Uppercase<DatabaseName>}_DB_PASSWORD`;

const upper = <Name extends DatabaseName>(name: Name) => name.toUpperCase() as Uppercase<Name>;
const password = z.string().min(1);
const passwords = Object.fromEntries(
  databases.flatMap((name) => [
    [`${upper(name)}_DB_OWNER_PASSWORD`, password],
    [`${upper(name)}_DB_PASSWORD`, password],
  ]),
) as Record<Owner | Runtime, typeof password>;

/** The passwords are set anew each time, so that one which was changed in the environment takes effect. */
export const setupSchema = z.object({
  DATABASE_URL: z
    .url()
    .describe('the server, for a role that may make databases and roles, unless those are PROVISIONED'),
  PROVISIONED: z.stringbool().default(false).describe('others make the databases and roles, such as an operator'),
  AUDITOR_PASSWORD: password,
  ...passwords,
});

export function secretsFrom(config: z.output<typeof setupSchema>): Pick<Secrets, 'auditorPassword' | 'roles'> {
  const roles = databases.map((name) => [
    name,
    { owner: config[`${upper(name)}_DB_OWNER_PASSWORD`], runtime: config[`${upper(name)}_DB_PASSWORD`] },
  ]);
  return { auditorPassword: config.AUDITOR_PASSWORD, roles: Object.fromEntries(roles) as Secrets['roles'] };
}
