/** `npm start`: runs a stack in the foreground until Ctrl-C. */
import { argumentsOrExit } from '../command-line.ts';
import { parseArguments, usage } from './arguments.ts';
import { UnusableBroker } from './broker-places.ts';
import { UnusableFolder } from './data-folder.ts';
import { sameKeyPressMs } from './key-press.ts';
import { UnusableHost } from './listen-address.ts';
import { PortTaken } from './port-holder.ts';
import { AlreadyRunning } from './process-register.ts';
import { MissingPrograms } from './programs.ts';
import { defaultDataDir } from './running-stack.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack-types.ts';
import { StartFailed } from './supervised.ts';
import { welcome } from './welcome.ts';

const demoShoppers = 2_000;

const options = argumentsOrExit(parseArguments, usage);
const breakOff = new AbortController();
let stack: Stack | undefined;
let askedToStopAt: number | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
// Whoever started us is gone without a word.
if (process.channel) process.on('disconnect', onSignal);
// A closed terminal or pipe must not keep us from stopping in order.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

try {
  stack = await startStack({
    ...options,
    dataDir: defaultDataDir,
    demo: options.demo && { shoppers: demoShoppers },
    databaseUrl: process.env.DATABASE_URL,
    redisUrl: process.env.REDIS_URL,
    amqpUrl: process.env.AMQP_URL,
    onLog: say,
    beganAtMs: Number(process.env.COMMAND_BEGAN_AT_MS ?? performance.timeOrigin),
    onFailure: (error) => exit(1, explain(error)),
    signal: breakOff.signal,
  });
  const demo = options.demo ? demoShoppers : undefined;
  for (const line of welcome(stack, { demoShoppers: demo, adminEmail: options.env['ADMIN_EMAIL'] })) say(line);
} catch (error) {
  if (askedToStopAt !== undefined) exit(0, 'stopped');
  exit(1, explain(error));
}

function onSignal(): void {
  const now = Date.now();
  if (askedToStopAt === undefined) {
    askedToStopAt = now;
    say('stopping … (Ctrl-C again to kill everything at once)');
    if (stack) void stack.stop().then(() => exit(0, 'stopped'));
    else breakOff.abort();
  } else if (now - askedToStopAt > sameKeyPressMs) {
    stack?.killNow();
    exit(1, 'killed');
  }
}

/** What the reader can act on is a sentence; anything else is a defect, and needs its stack. */
function explain(error: unknown): string {
  const forTheReader = [
    PortTaken,
    UnusableBroker,
    UnusableHost,
    UnusableFolder,
    AlreadyRunning,
    MissingPrograms,
    StartFailed,
  ];
  if (forTheReader.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function say(line: string): void {
  console.log(line);
}

function exit(code: number, lastWords?: string): never {
  if (lastWords) (code === 0 ? console.log : console.error)(lastWords);
  process.exit(code);
}
