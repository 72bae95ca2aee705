import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startStack } from '../../infra/launcher/stack.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import type { BenchArguments } from './args.ts';
import type { Root } from './usage.ts';

/** The stack under test: an own one, or somebody else's. */
export interface BenchStack extends AsyncDisposable {
  url: string;
  stack: string;
  /** As of now. Empty if they are unknown. */
  processes(): Root[];
  /** Where the instances of the services answer by themselves, behind nginx. Empty if they are unknown. */
  services: { name: string; port: number }[];
  stackFile: string | undefined;
  /** Undefined if it is somebody else's: then nothing of it may be stopped. */
  own?: Stack;
}

const shoppers = 2_000;
/** Longer than any benchmark: what one phase has reserved must not be released in the middle of another. */
const holdTtlMs = 7_200_000;

/** Starts an own stack with demo data in a folder that goes with it, unless the arguments name a running one. */
export async function openStack(
  { stack, url, stackFile, cpuProfile }: Pick<BenchArguments, 'stack' | 'url' | 'stackFile' | 'cpuProfile'>,
  folder: string,
  profiles: string,
  signal: AbortSignal,
  say: (line: string) => void = console.log,
): Promise<BenchStack> {
  if (url !== undefined || stackFile !== undefined) return givenStack(url, stackFile);
  const own = await startStack({
    stack,
    dataDir: folder,
    demo: { shoppers },
    signal,
    env: {
      HOLD_TTL_MS: String(holdTtlMs),
      ...(cpuProfile ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` } : {}),
    },
    onLog: (line) => say(`  ${line}`),
    onFailure: (error) => console.error(`the stack has stopped: ${error.message}`),
  });
  return {
    url: own.url,
    stack,
    processes: () => rootsOf(own.processes),
    services: servicesOf(own.processes),
    stackFile: join(folder, 'run', 'stack.json'),
    own,
    [Symbol.asyncDispose]: () => own.stop(),
  };
}

interface StackFile {
  url: string;
  stack: string;
  processes: { name: string; pid?: number | undefined; port: number; service?: string | undefined }[];
}

async function givenStack(url: string | undefined, stackFile: string | undefined): Promise<BenchStack> {
  const nothing = () => Promise.resolve();
  if (stackFile === undefined) {
    return {
      url: url ?? '',
      stack: 'given',
      processes: () => [],
      services: [],
      stackFile,
      [Symbol.asyncDispose]: nothing,
    };
  }
  const found = JSON.parse(await readFile(stackFile, 'utf8')) as StackFile;
  const roots = rootsOf(found.processes);
  return {
    url: url ?? found.url,
    stack: found.stack,
    processes: () => roots,
    services: servicesOf(found.processes),
    stackFile,
    [Symbol.asyncDispose]: nothing,
  };
}

/** The processes that run now. */
export function rootsOf(processes: StackFile['processes']): Root[] {
  return processes.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
}

function servicesOf(processes: StackFile['processes']): { name: string; port: number }[] {
  return processes.flatMap(({ name, port, service }) => (service === undefined ? [] : [{ name, port }]));
}
