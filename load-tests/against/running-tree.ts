import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDeathSignal } from '../../infra/launcher/death-signal.ts';
import { freePort } from '../../infra/launcher/free-port.ts';
import { killGroup } from '../../infra/launcher/run-command.ts';
import { findRunningStack, type RunningStack } from '../../infra/launcher/running-stack.ts';
import { loadSettings } from '../../test-kit/stack/load-settings.ts';
import { usualInstances, usualLayoutOf, type StackChoice } from '../lib/options.ts';

export interface TreeToStart {
  /** As it is called in what is said of it. */
  name: string;
  folder: string;
  /** Takes everything that its stack keeps. */
  dataDir: string;
  stack: StackChoice & { instances: number };
  /** NAME=VALUE; a tree that refuses one of these does not start. */
  settings: string[];
  say: (line: string) => void;
  signal: AbortSignal;
}

/** A stack that was started by the launcher of its own tree. */
export interface RunningTree extends AsyncDisposable {
  /** As its launcher has it written down now. @throws when it runs no longer */
  now(): RunningStack;
}

const usageError = 2;
const stopWithinMs = 60_000;
const maxComplaints = 1_000;
/** Servers that other commands may be told to use; two stacks would share them. */
const givenServers = ['DATABASE_URL', 'REDIS_URL', 'AMQP_URL'];

/**
 * Starts a stack by `npm start` of the tree and resolves when it is ready. Whatever the tree is like inside, it is only expected to
 * take the options of `npm start`, to say `ready`, and to write `run/stack.json`. @throws what it complained of, if it does not start
 */
export async function startTree(tree: TreeToStart): Promise<RunningTree> {
  const usual = new Map(Object.entries(loadSettings));
  for (;;) {
    const settings = [...[...usual].map(([name, value]) => `${name}=${value}`), ...tree.settings];
    try {
      return await launch(tree, settings);
    } catch (error) {
      const unknown =
        error instanceof Refused ? [...usual.keys()].find((name) => error.message.includes(name)) : undefined;
      if (unknown === undefined) throw error;
      tree.say(`${tree.name} tree: runs without ${unknown}, which it does not take`);
      usual.delete(unknown);
    }
  }
}

/** A stack of a tree did not become ready; the message is what the tree says of it. */
export class DidNotStart extends Error {}

/** The tree does not understand its command line. */
class Refused extends DidNotStart {}

/** The usage names settings too, as examples. */
function beforeUsage(complaints: string[]): string {
  const usage = complaints.findIndex((line) => line.startsWith('usage:'));
  return complaints
    .slice(0, usage < 0 ? complaints.length : usage)
    .join('\n')
    .trim();
}

async function launch(
  { name, folder, dataDir, stack, say, signal }: TreeToStart,
  settings: string[],
): Promise<RunningTree> {
  signal.throwIfAborted();
  const port = String(await freePort());
  // An older tree knows no layouts: what it does anyway is not asked for.
  const options = [
    '--stack',
    stack.stack,
    ...layoutOptions(stack),
    '--port',
    port,
    '--no-metrics',
    ...settings.flatMap((one) => ['--set', one]),
  ];
  // A group of its own, or a Ctrl-C in the terminal would stop it before we have left off asking it.
  const child = spawn(...npm(['start', '--silent', '--', ...options]), {
    cwd: folder,
    env: environment(dataDir),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const complaints: string[] = [];
  const ready = Promise.withResolvers<'ready'>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('ready ')) ready.resolve('ready');
    if (/^\S/.test(line)) say(`${name} tree: ${line}`);
  });
  const complain = (line: string) => complaints.push(line) > maxComplaints && complaints.shift();
  createInterface({ input: child.stderr }).on('line', complain);
  child.once('error', ({ message }) => complain(message));
  const ended = new Promise<number | null>((resolve) =>
    child.once('error', () => resolve(null)).once('close', resolve),
  );
  const stop = async () => {
    child.kill('SIGTERM');
    const slow = await Promise.race([ended, sleep(stopWithinMs, 'slow', { ref: false })]);
    if (slow === 'slow') killGroup(child.pid);
  };
  const aborted = Promise.withResolvers<'aborted'>();
  const onAbort = () => aborted.resolve('aborted');
  signal.addEventListener('abort', onAbort);
  try {
    const outcome = await Promise.race([ready.promise, ended, aborted.promise]);
    signal.throwIfAborted();
    if (outcome === usageError) throw new Refused(`${name} tree did not start: ${beforeUsage(complaints)}`);
    if (outcome !== 'ready') throw new DidNotStart(`${name} tree did not start: ${lastOf(complaints)}`);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  return {
    now: () => {
      try {
        return findRunningStack(dataDir);
      } catch (cause) {
        throw new Error(`${name} tree has stopped: ${lastOf(complaints)}`, { cause });
      }
    },
    [Symbol.asyncDispose]: stop,
  };
}

function layoutOptions({ stack, layout, instances }: TreeToStart['stack']): string[] {
  return [
    ...(layout === usualLayoutOf(stack) ? [] : ['--layout', layout]),
    ...(instances === usualInstances ? [] : ['--instances', String(instances)]),
  ];
}

const lastOf = (complaints: string[]): string => complaints.slice(-20).join('\n');

/** The npm that runs us, or the one in the PATH; it ends when we do, however that comes. */
function npm(args: string[]): [string, string[]] {
  const script = process.env.npm_execpath;
  return script?.endsWith('.js')
    ? withDeathSignal('SIGTERM', process.execPath, [script, ...args])
    : withDeathSignal('SIGTERM', 'npm', args);
}

function environment(dataDir: string): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !givenServers.includes(name));
  return { ...Object.fromEntries(ours), FLASH_SALE_DATA_DIR: dataDir };
}
