import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withClient } from '../../infra/launcher/databases.ts';
import { freePort } from '../../infra/launcher/free-port.ts';
import { postgresProgram, postgresUrl } from '../../infra/launcher/postgres.ts';
import { preparePrograms } from '../../infra/launcher/programs.ts';
import { Supervised } from '../../infra/launcher/supervised.ts';
import { serverFolder, unprivilegedUser } from '../../infra/launcher/unprivileged.ts';
import { startBehindNginx, type BalancedProgram } from '../lib/behind-nginx.ts';
import { schema } from './statements.ts';

export interface Limit extends BalancedProgram {
  databaseUrl: string;
}

const password = 'limit';

/**
 * Starts the limit on an empty PostgreSQL of its own, which keeps its word like that of a stack: the same settings, and every
 * commit on disk. Throws if a part of it does not come up; then nothing of it runs.
 */
export async function startLimit(folder: string): Promise<Limit> {
  await mkdir(folder, { recursive: true });
  const runAs = await unprivilegedUser('postgres');
  const port = await freePort();
  const program = await postgresProgram({
    executables: (await preparePrograms(['postgres'], console.log)).postgres,
    folder: await serverFolder(folder, 'postgres', runAs),
    logFile: join(folder, 'postgres.log'),
    port,
    password,
    runAs,
    durable: true,
  });
  const nobody = () => undefined;
  const postgres = new Supervised(program, { say: nobody, started: nobody, ended: nobody, gaveUp: nobody });
  const killOnExit = () => postgres.killNow();
  process.once('exit', killOnExit);
  const stopPostgres = async () => {
    await postgres.stop();
    process.off('exit', killOnExit);
  };
  try {
    await postgres.start();
    const databaseUrl = postgresUrl(port, password);
    await withClient(databaseUrl, (db) => db.query(schema));
    const script = join(import.meta.dirname, 'server.ts');
    const servers = await startBehindNginx(
      { name: 'limit', script, env: { DATABASE_URL: databaseUrl } },
      join(folder, 'nginx'),
    );
    const stop = async () => {
      await servers[Symbol.asyncDispose]();
      await stopPostgres();
    };
    const processes = [{ name: 'postgres', pid: postgres.pid ?? 0 }, ...servers.processes];
    return { url: servers.url, processes, databaseUrl, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stopPostgres();
    throw error;
  }
}

/** What does not add up at the end: a sentence each; none if every unit and every payment is accounted for. */
export async function discrepanciesOf(databaseUrl: string): Promise<string[]> {
  const sql = `
    SELECT 'product ' || id || ' has ' || held || ' held and ' || sold || ' sold of ' || total || ', its orders have ' || units ||
           ', of them paid ' || paid AS sentence
      FROM products, LATERAL (
        SELECT coalesce(sum(quantity), 0) AS units, coalesce(sum(quantity) FILTER (WHERE payments.id IS NOT NULL), 0) AS paid
          FROM orders LEFT JOIN payments ON order_id = orders.id WHERE product_id = products.id
      ) AS counted
     WHERE held + sold > total OR held + sold <> units OR sold <> paid
    UNION ALL
    SELECT 'payment ' || id || ' is for no order' FROM payments WHERE NOT EXISTS (SELECT FROM orders WHERE id = order_id)`;
  return withClient(databaseUrl, async (db) =>
    (await db.query<{ sentence: string }>(sql)).rows.map((row) => row.sentence),
  );
}
