import { newId } from '@flash-sale/shared/ids.ts';
import { dropPrivileges } from '@flash-sale/shared/service/privileges.ts';
import pg from 'pg';
import { hashPassword } from './adapters/passwords.ts';
import { accountColumns } from './adapters/state.ts';
import { insertAccounts } from './adapters/statements.ts';
import { readDemoConfig } from './config.ts';
import type { Role } from './domain/registration.ts';

const password = 'flash-sale-demo';
const chunkSize = 1_000;
/** Accounts of the demo share salts, which only a password that everybody knows may do: 2,000 hashes cost a minute of CPU. */
const mostHashes = 32;

interface Wanted {
  email: string;
  name: string;
  role: Role;
}

/** The demo's admin and shoppers; those who are there already are left as they are. */
const config = readDemoConfig();
dropPrivileges(config.RUN_AS);
const wanted: Wanted[] = [
  { email: 'admin@example.com', name: 'Admin', role: 'admin' },
  ...Array.from({ length: config.DEMO_SHOPPERS }, (_, index) => ({
    email: `shopper${index + 1}@example.com`,
    name: `Shopper ${index + 1}`,
    role: 'shopper' as const,
  })),
];

const client = new pg.Client({ connectionString: config.DATABASE_URL, connectionTimeoutMillis: 5_000 });
await client.connect();
try {
  const { rows } = await client.query<{ email: string }>('SELECT email FROM account WHERE email = ANY($1::text[])', [
    wanted.map(({ email }) => email),
  ]);
  const present = new Set(rows.map(({ email }) => email));
  const missing = wanted.filter(({ email }) => !present.has(email));
  const hashes = await Promise.all(missing.slice(0, mostHashes).map(() => hashPassword(password)));
  for (let done = 0; done < missing.length; done += chunkSize) {
    const accounts = missing.slice(done, done + chunkSize).map((person, index) => ({
      ...person,
      id: newId(),
      passwordHash: hashes[index % hashes.length]!,
    }));
    await client.query(`${insertAccounts.text} ON CONFLICT (email) DO NOTHING`, accountColumns(accounts));
  }
  if (missing.length > 0) console.log(`made ${missing.length} demo accounts`);
} finally {
  await client.end();
}
