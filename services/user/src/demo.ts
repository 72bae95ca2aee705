import { newId } from '@flash-sale/shared/ids.ts';
import pg from 'pg';
import { hashPassword } from './adapters/passwords.ts';
import { accountColumns, insertAccounts } from './adapters/state.ts';
import { readDemoConfig } from './config.ts';
import type { Role } from './domain/registration.ts';

const password = 'flash-sale-demo';
const hashConcurrency = 4;
const chunkSize = 250;

interface Wanted {
  email: string;
  name: string;
  role: Role;
}

/** The demo's admin and shoppers; those who are there already are left as they are. */
const config = readDemoConfig();
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
  for (let done = 0; done < missing.length;) {
    const chunk = missing.slice(done, done + chunkSize);
    const accounts = await inParallel(chunk, async (person) => ({
      ...person,
      id: newId(),
      passwordHash: await hashPassword(password),
    }));
    await client.query(`${insertAccounts.text} ON CONFLICT (email) DO NOTHING`, accountColumns(accounts));
    done += chunk.length;
    console.log(`demo accounts: ${done} of ${missing.length}`);
  }
} finally {
  await client.end();
}

/** Works on so many at once as libuv has threads. */
async function inParallel<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: hashConcurrency }, worker));
  return results;
}
