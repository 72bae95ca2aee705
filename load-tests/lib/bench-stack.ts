import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NotRunning } from '../../infra/launcher/running-stack.ts';
import { startStack } from '../../infra/launcher/stack.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import type { BenchArguments } from './args.ts';
import { loadSettings } from '../../test-kit/stack/load-settings.ts';
import { profilesInto } from './profiles.ts';
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
const answerWithinMs = 10_000;

/**
 * Starts an own stack with demo data in a folder that goes with it, unless the arguments name a running one.
 * @throws NotRunning when that one does not answer
 */
export async function openStack(
  { stack, url, stackFile, cpuProfile }: Pick<BenchArguments, 'stack' | 'url' | 'stackFile' | 'cpuProfile'>,
  folder: string,
  profiles: string,
  signal: AbortSignal,
  say: (line: string) => void = console.log,
): Promise<BenchStack> {
  if (url !== undefined || stackFile !== undefined) return givenStack(url, stackFile);
  const profiled = cpuProfile ? await profilesInto(profiles) : undefined;
  const own = await startStack({
    stack,
    dataDir: folder,
    demo: { shoppers },
    signal,
    env: { ...loadSettings, ...profiled?.env },
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
    [Symbol.asyncDispose]: async () => {
      try {
        await own.stop();
      } finally {
        await profiled?.collect();
      }
    },
  };
}

interface StackFile {
  url: string;
  stack: string;
  processes: {
    name: string;
    pid?: number | undefined;
    port: number;
    service?: string | undefined;
    instance?: number | undefined;
    holds?: { service: string; port: number }[];
  }[];
}

async function givenStack(url: string | undefined, stackFile: string | undefined): Promise<BenchStack> {
  const found = stackFile === undefined ? undefined : await readStackFile(stackFile);
  const address = url ?? found?.url ?? '';
  await mustAnswer(address);
  const roots = rootsOf(found?.processes ?? []);
  return {
    url: address,
    stack: found?.stack ?? 'given',
    processes: () => roots,
    services: servicesOf(found?.processes ?? []),
    stackFile,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function readStackFile(file: string): Promise<StackFile> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as StackFile;
  } catch (cause) {
    throw new NotRunning(`There is no stack file that can be read at ${file}.`, { cause });
  }
}

/** A shop that is not there would otherwise be found out by thousands of requests that fail. @throws NotRunning */
async function mustAnswer(url: string): Promise<void> {
  let answer: string;
  try {
    answer = `answers ${(await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(answerWithinMs) })).status}`;
    if (answer === 'answers 200') return;
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    answer = cause?.message || message;
  }
  throw new NotRunning(`No shop is ready at ${url}: ${url}/readyz ${answer}. Nothing was measured.`);
}

/** The processes that run now. */
export function rootsOf(processes: StackFile['processes']): Root[] {
  return processes.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
}

function servicesOf(processes: StackFile['processes']): { name: string; port: number }[] {
  return processes.flatMap(({ name, port, service, instance, holds }) =>
    service === undefined
      ? (holds ?? []).map((one) => ({ name: `${one.service}-${instance}`, port: one.port }))
      : [{ name, port }],
  );
}
