import type { StockLevel } from '@flash-sale/shared/redis/stock-view.ts';
import { dropPrivileges } from '@flash-sale/shared/service/privileges.ts';
import pg from 'pg';
import { listDemoProducts, publishLevels } from './adapters/demo-products.ts';
import { readDemoEndConfig } from './config.ts';

/** For a start without the demo on data that may contain it: unlists its products; orders keep them. */
const config = readDemoEndConfig();
dropPrivileges(config.RUN_AS);
const client = new pg.Client({ connectionString: config.DATABASE_URL });
let levels: StockLevel[];
await client.connect();
try {
  await client.query('BEGIN');
  levels = await listDemoProducts(client, false);
  await client.query('COMMIT');
  if (levels.length > 0) process.stdout.write(`took ${levels.length} demo products out of the shop window\n`);
} finally {
  await client.end();
}
await publishLevels(config.REDIS_URL, levels);
