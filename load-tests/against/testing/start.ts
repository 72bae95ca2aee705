/* The launcher of a made-up tree: it takes the options of `npm start` and writes run/stack.json, and is unlike ours in all else. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf } from '../../../infra/launcher/process-identity.ts';

const folder = process.env.FLASH_SALE_DATA_DIR!;
const args = process.argv.slice(2);
const settings = args.flatMap((argument, at) => (args[at - 1] === '--set' ? [argument] : []));
const unknown = settings.find(
  (one) => !['KNOWN', 'SILENT', ...(process.env.ALSO_KNOWN ?? '').split(',')].includes(one.split('=')[0]!),
);
if (unknown !== undefined) {
  console.error(`there is no setting ${unknown.split('=')[0]} here\n\nusage: npm start -- --set HOLD_TTL_MS=1`);
  process.exit(2);
}
process.on('SIGTERM', () => process.exit(0));
setInterval(() => undefined, 1_000);
const port = args[args.indexOf('--port') + 1];
mkdirSync(join(folder, 'run'), { recursive: true });
const stack = args[args.indexOf('--stack') + 1];
const record = { launcher: identityOf(process.pid), stack, url: `http://127.0.0.1:${port}`, settings, processes: [] };
writeFileSync(join(folder, 'run/stack.json'), JSON.stringify(record));
if (!settings.includes('SILENT=1')) console.log(`ready ${record.url}`);
