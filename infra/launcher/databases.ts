import pg from 'pg';
import { auditorRole, databaseNameOf, databases, type DatabaseName } from './database-names.ts';
import type { Secrets } from './secrets.ts';

/** One database, its owner, who runs the migrations, and the role its service works with. */
export interface DatabaseSpec {
  database: string;
  owner: { name: string; password: string };
  runtime: { name: string; password: string };
}

export interface DatabaseUrls {
  owner: string;
  runtime: string;
  /** Reads everything, changes nothing. */
  auditor: string;
}

export type DatabaseSecrets = Pick<Secrets, 'auditorPassword' | 'roles'>;

/** Sets up all databases and roles on the server; what is there already stays. */
export async function provision(adminUrl: string, secrets: DatabaseSecrets): Promise<void> {
  const specs = databases.map((name) => ({ name, spec: specOf(name, secrets) }));
  await withClient(adminUrl, async (admin) => {
    await ensureRole(admin, auditorRole, secrets.auditorPassword);
    await admin.query(`GRANT pg_read_all_data TO ${auditorRole}`);
    for (const { spec } of specs) await createDatabase(admin, spec);
    for (const { spec } of specs) await admin.query(`GRANT CONNECT ON DATABASE ${spec.database} TO ${auditorRole}`);
  });
  await Promise.all(specs.map(({ spec }) => grantPrivileges(adminUrl, spec)));
}

/** How the databases are reached, once they are there. */
export function databaseUrls(serverUrl: string, secrets: DatabaseSecrets): Record<DatabaseName, DatabaseUrls> {
  const urls = databases.map((name) => {
    const { database, owner, runtime } = specOf(name, secrets);
    return [
      name,
      {
        owner: urlFor(serverUrl, database, owner.name, owner.password),
        runtime: urlFor(serverUrl, database, runtime.name, runtime.password),
        auditor: urlFor(serverUrl, database, auditorRole, secrets.auditorPassword),
      },
    ];
  });
  return Object.fromEntries(urls) as Record<DatabaseName, DatabaseUrls>;
}

export function specOf(name: DatabaseName, secrets: DatabaseSecrets): DatabaseSpec {
  const database = databaseNameOf(name);
  return {
    database,
    owner: { name: `${database}_owner`, password: secrets.roles[name].owner },
    runtime: { name: database, password: secrets.roles[name].runtime },
  };
}

/** The database and its two roles, without privileges yet. Names must be plain identifiers. */
export async function createDatabase(admin: pg.Client, { database, owner, runtime }: DatabaseSpec): Promise<void> {
  await ensureRole(admin, owner.name, owner.password);
  await ensureRole(admin, runtime.name, runtime.password);
  const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [database]);
  if (rowCount === 0) {
    // A given server's admin need not be a superuser; then it may only give a database to a role it is a member of.
    await admin.query(`GRANT ${owner.name} TO CURRENT_USER`);
    await admin.query(`CREATE DATABASE ${database} OWNER ${owner.name} TEMPLATE template0 ENCODING 'UTF8'`);
  }
  await admin.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
  await admin.query(`GRANT CONNECT ON DATABASE ${database} TO ${runtime.name}`);
}

/**
 * The runtime role reads and writes rows of whatever its owner has created and creates, but for its list of migrations, and
 * can change no table: no DDL, no TRUNCATE. @param url of an admin or of the owner
 */
export async function grantPrivileges(url: string, { database, owner, runtime }: DatabaseSpec): Promise<void> {
  await withClient(urlFor(url, database), async (client) => {
    const byOwner = `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner.name} IN SCHEMA public`;
    await client.query(`
      ALTER SCHEMA public OWNER TO ${owner.name};
      REVOKE ALL ON SCHEMA public FROM PUBLIC;
      GRANT USAGE ON SCHEMA public TO ${runtime.name};
      ${byOwner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${runtime.name};
      ${byOwner} GRANT USAGE, SELECT ON SEQUENCES TO ${runtime.name};
      GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${runtime.name};
      GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${runtime.name};
      DO $$ DECLARE one regclass; BEGIN
        FOR one IN
          SELECT oid FROM pg_class
           WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname NOT LIKE 'kysely_%'
        LOOP
          EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO ${runtime.name}', one);
        END LOOP;
      END $$;`);
  });
}

/** @param may what the role may do, as CREATE ROLE has it */
export async function ensureRole(admin: pg.Client, name: string, password: string, may = 'LOGIN'): Promise<void> {
  const { rowCount } = await admin.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  // Also for a role that exists: on a given server its password may be from other secrets.
  const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
  await admin.query(`${verb} ROLE ${name} ${may} PASSWORD ${admin.escapeLiteral(password)}`);
}

/** The same server with another database and, if given, another user. */
export function urlFor(adminUrl: string, database: string, user?: string, password?: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  if (user !== undefined) url.username = user;
  if (password !== undefined) url.password = password;
  return url.href;
}

/** Lends a connection. */
export async function withClient<Result>(url: string, use: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A server that stops while we are connected must not end the launcher: the query reports it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
