import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NotRunning, type RunningStack } from '../../infra/launcher/running-stack.ts';
import { startStack } from '../../infra/launcher/stack.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import type { Side } from '../turns/side.ts';
import type { Target } from './load.ts';
import { loadSettings } from '../../test-kit/stack/load-settings.ts';
import { nameOf, usualLayoutOf, type StackChoice } from './options.ts';
import { profilesInto } from './profiles.ts';
import { untilQuiet } from './quiet.ts';
import { untilAtRest } from './rest.ts';
import { processTreesOf } from './usage.ts';

/** The stack under test: an own one, or somebody else's. */
export interface BenchStack extends AsyncDisposable {
  /** The stack with its layout, as in `sync:shared`; `given` where nobody knows. */
  name: string;
  choice: StackChoice | undefined;
  url: string;
  /** As of now. Its processes are empty if they are unknown. */
  target: () => Target;
  /** Resolves when it has ended what an earlier load has left to do. */
  untilAtRest: () => Promise<void>;
  /** Where the instances of the services answer by themselves, behind nginx. Empty if they are unknown. */
  services: { name: string; port: number }[];
  stackFile: string | undefined;
  /** Undefined if it is somebody else's: then nothing of it may be stopped. */
  own?: Stack;
}

/** Which stack to measure: an own one, or that at an address or of a stack file. */
export interface StackToOpen extends StackChoice {
  instances: number;
  /** Of its PostgreSQL; none unless given. */
  replicas?: number;
  url?: string | undefined;
  stackFile?: string | undefined;
  cpuProfile?: boolean;
}

export interface OpenContext {
  /** Takes the data of an own stack. */
  folder: string;
  /** Takes CPU profiles, where they are asked for. */
  profiles: string;
  say: (line: string) => void;
  signal: AbortSignal;
}

const shoppers = 2_000;
const answerWithinMs = 10_000;
/** Of a shop that cannot be looked into. */
const usualRestMs = 2_000;

/**
 * Starts an own stack with demo data in a folder that goes with it, unless a running one is named.
 * @throws NotRunning when that one does not answer
 */
export async function openStack(
  { stack, layout, instances, replicas = 0, url, stackFile, cpuProfile = false }: StackToOpen,
  { folder, profiles, say, signal }: OpenContext,
): Promise<BenchStack> {
  if (url !== undefined || stackFile !== undefined) return givenStack(url, stackFile, signal);
  const profiled = cpuProfile ? await profilesInto(profiles) : undefined;
  const own = await startStack({
    stack,
    layout,
    instances,
    replicas,
    dataDir: folder,
    demo: { shoppers },
    signal,
    env: { ...loadSettings, ...profiled?.env },
    onLog: (line) => say(`  ${line}`),
    onFailure: (error) => console.error(`the stack has stopped: ${error.message}`),
  });
  const choice = { stack, layout };
  const name = nameOf(choice);
  return {
    name,
    choice,
    url: own.url,
    target: () => ({ url: own.url, stack: name, processes: processTreesOf(own.processes), signal }),
    untilAtRest: () => untilQuiet(own, signal),
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

/** A stack as one of those that are measured in turns; what it sells stays in the folder from start to start. */
export function sideOf(stack: StackToOpen, context: OpenContext): Side<BenchStack> {
  return { name: nameOf(stack), open: () => openStack(stack, context), script: 'checkout.ts', logsIn: true };
}

async function givenStack(
  url: string | undefined,
  stackFile: string | undefined,
  signal: AbortSignal,
): Promise<BenchStack> {
  const found = stackFile === undefined ? undefined : await readStackFile(stackFile);
  const address = url ?? found?.url ?? '';
  await mustAnswer(address);
  const processes = processTreesOf(found?.processes ?? []);
  const choice = found && { stack: found.stack, layout: found.layout ?? usualLayoutOf(found.stack) };
  const name = choice ? nameOf(choice) : 'given';
  return {
    name,
    choice,
    url: address,
    target: () => ({ url: address, stack: name, processes, signal }),
    untilAtRest: () => (found ? untilAtRest(found, signal) : sleep(usualRestMs, undefined, { signal })),
    services: servicesOf(found?.processes ?? []),
    stackFile,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function readStackFile(file: string): Promise<RunningStack> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as RunningStack;
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

function servicesOf(processes: RunningStack['processes']): { name: string; port: number }[] {
  return processes.flatMap(({ name, port, service, instance, holds }) =>
    service === undefined
      ? (holds ?? []).map((one) => ({ name: `${one.service}-${instance}`, port: one.port }))
      : [{ name, port }],
  );
}
