/** The command line of `npm start`. */
export interface StartArguments {
  stack: 'sync' | 'async';
  port: number;
  host: string;
}

/** Something the caller got wrong: shown as it is, without a stack trace. */
export class UsageError extends Error {}

export const usage = `usage: npm start [-- --stack async|sync] [--port 8080] [--host 127.0.0.1]

  --stack  how the services talk: async (RabbitMQ, the default) or sync (HTTP)
  --port   where the shop listens
  --host   the address it listens on; 0.0.0.0 opens it to the network`;

/** Strict on purpose: a mistyped option must not start the wrong thing. Throws UsageError. */
export function parseArguments(argv: string[]): StartArguments {
  const result: StartArguments = { stack: 'async', port: 8080, host: '127.0.0.1' };
  const rest = argv.flatMap(splitEquals);
  while (rest.length > 0) {
    const option = rest.shift() ?? '';
    const value = rest.shift();
    if (!['--stack', '--port', '--host'].includes(option)) throw new UsageError(`unknown argument "${option}"`);
    if (value === undefined || value.startsWith('--')) throw new UsageError(`${option} needs a value`);
    if (option === '--stack') result.stack = parseStack(value);
    else if (option === '--port') result.port = parsePort(value);
    else result.host = parseHost(value);
  }
  return result;
}

function splitEquals(argument: string): string[] {
  const at = argument.startsWith('--') ? argument.indexOf('=') : -1;
  return at < 0 ? [argument] : [argument.slice(0, at), argument.slice(at + 1)];
}

function parseStack(value: string): 'sync' | 'async' {
  if (value === 'sync' || value === 'async') return value;
  throw new UsageError(`--stack is sync or async, not "${value}"`);
}

function parsePort(value: string): number {
  const port = Number(value);
  if (/^\d{1,5}$/.test(value) && port >= 1 && port <= 65_535) return port;
  throw new UsageError(`--port is a number from 1 to 65535, not "${value}"`);
}

/** The host is written into nginx's configuration, so nothing but an address may pass. */
function parseHost(value: string): string {
  if (/^[0-9a-fA-F.:]+$/.test(value) || /^[a-zA-Z0-9.-]+$/.test(value)) return value;
  throw new UsageError(`--host is an address such as 127.0.0.1 or 0.0.0.0, not "${value}"`);
}
