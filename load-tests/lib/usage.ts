import { programOf, readMemory, readProcesses, readPssBytes, type Memory, type ProcessInfo } from './procfs.ts';

/** A process of the stack. Everything it has started counts as its own: nginx's workers, PostgreSQL's backends. */
export interface Root {
  name: string;
  pid: number;
}

export interface Usage {
  name: string;
  cpuSeconds: number;
  peakBytes: number;
}

/** What each root has used so far, and has in memory at this moment. */
export interface UsageSample {
  atMs: number;
  roots: { name: string; cpuSeconds: number; bytes: number }[];
}

const sampleEveryMs = 1_000;

/** Which root each process belongs to: the nearest one among its ancestors. */
export function ownersOf(processes: ReadonlyMap<number, ProcessInfo>, roots: Root[]): Map<number, string> {
  const nameOf = new Map(roots.map(({ pid, name }) => [pid, name]));
  const owners = new Map<number, string>();
  for (const { pid } of processes.values()) {
    let at: number | undefined = pid;
    for (let depth = 0; at !== undefined && depth < 64 && !nameOf.has(at); depth++) at = processes.get(at)?.parent;
    const owner = at === undefined ? undefined : nameOf.get(at);
    if (owner !== undefined) owners.set(pid, owner);
  }
  return owners;
}

/** Processor time per root so far. What ended children used is kept by their parent, so none of it is lost or counted twice. */
export function cpuSecondsOf(processes: ReadonlyMap<number, ProcessInfo>, roots: Root[]): Map<string, number> {
  const seconds = new Map(roots.map(({ name }) => [name, 0]));
  for (const [pid, owner] of ownersOf(processes, roots)) {
    const info = processes.get(pid);
    if (info) seconds.set(owner, (seconds.get(owner) ?? 0) + info.cpuSeconds + info.endedChildrenCpuSeconds);
  }
  return seconds;
}

/** A root with all it has started. */
export interface Family {
  name: string;
  /** Undefined if it may not be seen. */
  program: string | undefined;
  members: Memory[];
}

/**
 * Memory by root: private pages in full, shared ones once, as the largest member has them. Families of one program share its
 * pages too, and are each given an equal part: ten Node processes would otherwise count the 53 MB of Node ten times.
 */
export function bytesOf(families: Family[]): Map<string, number> {
  return new Map(
    families.map((family) => {
      const relatives = families.filter(
        (other) => other === family || (family.program !== undefined && other.program === family.program),
      );
      const shared = Math.max(0, ...relatives.flatMap(({ members }) => members.map(({ sharedBytes }) => sharedBytes)));
      const own = family.members.reduce((sum, { privateBytes }) => sum + privateBytes, 0);
      return [family.name, own + shared / relatives.length];
    }),
  );
}

/**
 * Starts to measure; the function it answers ends the measurement and says what each root used meanwhile. Who wants to see how
 * it went is given a sample a second, which costs nothing more.
 */
export function measureUsage(roots: Root[], onSample?: (sample: UsageSample) => void): () => Usage[] {
  const before = cpuSecondsOf(readProcesses(), roots);
  const peaks = new Map<string, number>();
  const sample = () => {
    const now = sampleOf(roots);
    for (const { name, bytes } of now.roots) peaks.set(name, Math.max(bytes, peaks.get(name) ?? 0));
    onSample?.(now);
  };
  sample();
  const timer = setInterval(sample, sampleEveryMs);
  return () => {
    clearInterval(timer);
    const after = cpuSecondsOf(readProcesses(), roots);
    return roots.map(({ name }) => ({
      name,
      cpuSeconds: Math.max(0, (after.get(name) ?? 0) - (before.get(name) ?? 0)),
      peakBytes: peaks.get(name) ?? 0,
    }));
  };
}

export interface IdleMemory {
  name: string;
  pssBytes: number;
  rssBytes: number;
}

/** Memory of each root with all it has started. Throws if a process may not be looked into: a sum without it would be a lie. */
export function idleMemoryOf(roots: Root[]): IdleMemory[] {
  const idle = new Map(roots.map(({ name }) => [name, { name, pssBytes: 0, rssBytes: 0 }]));
  for (const [pid, owner] of ownersOf(readProcesses(), roots)) {
    const memory = readMemory(pid);
    const entry = idle.get(owner);
    if (!memory || !entry) continue;
    const pssBytes = readPssBytes(pid);
    if (pssBytes === undefined)
      throw new Error(`the memory of ${owner} (pid ${pid}) cannot be read: it belongs to another user`);
    entry.pssBytes += pssBytes;
    entry.rssBytes += memory.privateBytes + memory.sharedBytes;
  }
  return [...idle.values()];
}

/** Processor time of the children of this very process that have ended, k6 among them. */
export function endedChildrenCpuSeconds(): number {
  return readProcesses().get(process.pid)?.endedChildrenCpuSeconds ?? 0;
}

function sampleOf(roots: Root[]): UsageSample {
  const processes = readProcesses();
  const families = new Map(
    roots.map(({ name, pid }) => [name, { name, program: programOf(pid), members: [] as Memory[] }]),
  );
  for (const [pid, owner] of ownersOf(processes, roots)) {
    const memory = readMemory(pid);
    if (memory) families.get(owner)?.members.push(memory);
  }
  const cpuSeconds = cpuSecondsOf(processes, roots);
  const bytes = bytesOf([...families.values()]);
  return {
    atMs: Date.now(),
    roots: roots.map(({ name }) => ({
      name,
      cpuSeconds: cpuSeconds.get(name) ?? 0,
      bytes: bytes.get(name) ?? 0,
    })),
  };
}
