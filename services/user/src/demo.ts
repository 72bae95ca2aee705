import { newId } from '@flash-sale/shared/ids.ts';
import { dropPrivileges } from '@flash-sale/shared/service/privileges.ts';
import pg from 'pg';
import { demoHashes, unlockDemoAccounts } from './adapters/demo-accounts.ts';
import { accountColumns } from './adapters/unit-of-work.ts';
import { insertAccounts } from './adapters/statements.ts';
import { refusePublicDemo } from '@flash-sale/shared/demo.ts';
import { readDemoConfig } from './config.ts';
import type { Role } from './domain/state.ts';

const chunkSize = 1_000;

interface Wanted {
  email: string;
  name: string;
  role: Role;
}

/** The demo's admin and shoppers. Existing accounts are left alone, except that locked ones are unlocked. */
const config = readDemoConfig();
dropPrivileges(config.RUN_AS);
refusePublicDemo(config);
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
  const unlocked = await unlockDemoAccounts(client);
  if (unlocked > 0) console.log(`unlocked ${unlocked} demo accounts`);
  const { rows } = await client.query<{ email: string }>('SELECT email FROM account WHERE email = ANY($1::text[])', [
    wanted.map(({ email }) => email),
  ]);
  const present = new Set(rows.map(({ email }) => email));
  // In the order of the unique index, as in the lane.
  const missing = wanted.filter(({ email }) => !present.has(email)).sort((a, b) => (a.email < b.email ? -1 : 1));
  const hashes = await demoHashes(missing.length);
  for (let done = 0; done < missing.length; done += chunkSize) {
    const accounts = missing.slice(done, done + chunkSize).map((person, index) => ({
      ...person,
      id: newId(),
      passwordHash: hashes[done + index]!,
    }));
    await client.query(`${insertAccounts.text} ON CONFLICT (email) DO NOTHING`, accountColumns(accounts));
  }
  if (missing.length > 0) console.log(`made ${missing.length} demo accounts`);
} finally {
  await client.end();
}
