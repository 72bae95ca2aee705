import { setTimeout as sleep } from 'node:timers/promises';
import { programOf, readMemory, readProcesses, readPssBytes, type Memory, type ProcessInfo } from './procfs.ts';
import type { AtRest } from './results.ts';

/** A process with everything that it has started: nginx's workers, PostgreSQL's backends. */
export interface ProcessTree {
  name: string;
  pid: number;
}

export interface Usage {
  name: string;
  cpuSeconds: number;
  peakBytes: number;
}

/** What each tree has used so far, and has in memory at this moment. */
export interface UsageSample {
  atMs: number;
  trees: { name: string; cpuSeconds: number; bytes: number }[];
}

/** The processes of a stack that run now. */
export function processTreesOf(processes: { name: string; pid?: number | undefined }[]): ProcessTree[] {
  return processes.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
}

const sampleEveryMs = 1_000;

/** Which tree each process belongs to: that of the nearest root among its ancestors. */
export function ownersOf(processes: ReadonlyMap<number, ProcessInfo>, trees: ProcessTree[]): Map<number, string> {
  const nameOf = new Map(trees.map(({ pid, name }) => [pid, name]));
  const owners = new Map<number, string>();
  for (const { pid } of processes.values()) {
    let at: number | undefined = pid;
    for (let depth = 0; at !== undefined && depth < 64 && !nameOf.has(at); depth++) at = processes.get(at)?.parent;
    const owner = at === undefined ? undefined : nameOf.get(at);
    if (owner !== undefined) owners.set(pid, owner);
  }
  return owners;
}

/** Processor time per tree so far. What ended children used is kept by their parent, so none of it is lost or counted twice. */
export function cpuSecondsOf(processes: ReadonlyMap<number, ProcessInfo>, trees: ProcessTree[]): Map<string, number> {
  const seconds = new Map(trees.map(({ name }) => [name, 0]));
  for (const [pid, owner] of ownersOf(processes, trees)) {
    const info = processes.get(pid);
    if (info) seconds.set(owner, (seconds.get(owner) ?? 0) + info.cpuSeconds + info.endedChildrenCpuSeconds);
  }
  return seconds;
}

export interface TreeMemory {
  name: string;
  /** Undefined if it may not be seen. */
  program: string | undefined;
  members: Memory[];
}

/**
 * Memory by tree: private pages in full, shared ones once, as the largest member has them. Trees of one program share its
 * pages too, and are each given an equal part: ten Node processes would otherwise count the 53 MB of Node ten times.
 */
export function bytesOf(memories: TreeMemory[]): Map<string, number> {
  return new Map(
    memories.map((tree) => {
      const relatives = memories.filter(
        (other) => other === tree || (tree.program !== undefined && other.program === tree.program),
      );
      const shared = Math.max(0, ...relatives.flatMap(({ members }) => members.map(({ sharedBytes }) => sharedBytes)));
      const own = tree.members.reduce((sum, { privateBytes }) => sum + privateBytes, 0);
      return [tree.name, own + shared / relatives.length];
    }),
  );
}

/**
 * Starts to measure; the function it answers ends the measurement and says what each tree used meanwhile. Who wants to see how
 * it went is given a sample a second, which costs nothing more.
 */
export function measureUsage(trees: ProcessTree[], onSample?: (sample: UsageSample) => void): () => Usage[] {
  const before = cpuSecondsOf(readProcesses(), trees);
  const peaks = new Map<string, number>();
  const sample = () => {
    const now = sampleOf(trees);
    for (const { name, bytes } of now.trees) peaks.set(name, Math.max(bytes, peaks.get(name) ?? 0));
    onSample?.(now);
  };
  sample();
  const timer = setInterval(sample, sampleEveryMs);
  return () => {
    clearInterval(timer);
    const after = cpuSecondsOf(readProcesses(), trees);
    return trees.map(({ name }) => ({
      name,
      cpuSeconds: Math.max(0, (after.get(name) ?? 0) - (before.get(name) ?? 0)),
      peakBytes: peaks.get(name) ?? 0,
    }));
  };
}

/**
 * Trees of which nobody asks anything: the memory of each, and its processor time over so many seconds.
 * Throws if a process may not be looked into: a sum without it would be a lie.
 */
export async function measureAtRest(trees: ProcessTree[], seconds: number, signal?: AbortSignal): Promise<AtRest[]> {
  const used = () => cpuSecondsOf(readProcesses(), trees);
  const [before, startedAtMs] = [used(), Date.now()];
  await sleep(seconds * 1_000, undefined, { signal });
  const [after, elapsedSeconds] = [used(), (Date.now() - startedAtMs) / 1_000];
  const coresOf = (name: string) => Math.max(0, (after.get(name) ?? 0) - (before.get(name) ?? 0)) / elapsedSeconds;
  return memoryOf(trees).map((one) => ({ ...one, cores: coresOf(one.name) }));
}

function memoryOf(trees: ProcessTree[]): Omit<AtRest, 'cores'>[] {
  const found = new Map(trees.map(({ name }) => [name, { name, pssBytes: 0, rssBytes: 0 }]));
  for (const [pid, owner] of ownersOf(readProcesses(), trees)) {
    const memory = readMemory(pid);
    const entry = found.get(owner);
    if (!memory || !entry) continue;
    const pssBytes = readPssBytes(pid);
    if (pssBytes === undefined)
      throw new Error(`the memory of ${owner} (pid ${pid}) cannot be read: it belongs to another user`);
    entry.pssBytes += pssBytes;
    entry.rssBytes += memory.privateBytes + memory.sharedBytes;
  }
  return [...found.values()];
}

export const components = ['node', 'postgres', 'redis', 'rabbitmq', 'nginx'] as const;
type Component = (typeof components)[number];

/** Of a process, by its name in the stack file. What is no server runs on Node, however a tree may have laid out its services. */
export function componentOf(process: string): Component | 'influxdb' {
  if (process === 'epmd') return 'rabbitmq';
  if (process.startsWith('influxdb')) return 'influxdb';
  if (process.startsWith('postgres')) return 'postgres'; // a replica of it, too
  return components.find((component) => component === process) ?? 'node';
}

/** All processes at rest together, and those that are Node by themselves. */
export function totalsAtRest(atRest: AtRest[]): Record<'all' | 'node', Omit<AtRest, 'name'>> {
  const total = (those: AtRest[]) => ({
    pssBytes: those.reduce((sum, { pssBytes }) => sum + pssBytes, 0),
    rssBytes: those.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    // Not measured by earlier releases.
    ...(those.some(({ cores }) => cores === undefined)
      ? {}
      : { cores: those.reduce((sum, { cores = 0 }) => sum + cores, 0) }),
  });
  return { all: total(atRest), node: total(atRest.filter(({ name }) => componentOf(name) === 'node')) };
}

/** Processor time of the children of this very process that have ended, k6 among them. */
export function endedChildrenCpuSeconds(): number {
  return readProcesses().get(process.pid)?.endedChildrenCpuSeconds ?? 0;
}

function sampleOf(trees: ProcessTree[]): UsageSample {
  const processes = readProcesses();
  const memories = new Map(
    trees.map(({ name, pid }) => [name, { name, program: programOf(pid), members: [] as Memory[] }]),
  );
  for (const [pid, owner] of ownersOf(processes, trees)) {
    const memory = readMemory(pid);
    if (memory) memories.get(owner)?.members.push(memory);
  }
  const cpuSeconds = cpuSecondsOf(processes, trees);
  const bytes = bytesOf([...memories.values()]);
  return {
    atMs: Date.now(),
    trees: trees.map(({ name }) => ({
      name,
      cpuSeconds: cpuSeconds.get(name) ?? 0,
      bytes: bytes.get(name) ?? 0,
    })),
  };
}
