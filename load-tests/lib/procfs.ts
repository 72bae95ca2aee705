import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

// Synchronous on purpose: /proc is memory, and a snapshot should be of one moment.

/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock. */
const ticksPerSecond = 100;

export interface ProcessInfo {
  pid: number;
  parent: number;
  /** Processor time of its own, and that of its children that have ended. */
  cpuSeconds: number;
  endedChildrenCpuSeconds: number;
}

export interface Memory {
  /** Its own pages. */
  privateBytes: number;
  /** Files and shared memory, which other processes may have mapped too. */
  sharedBytes: number;
}

export const hasProcfs = existsSync('/proc/self/stat');

/** All processes that may be seen, by pid. Empty where there is no /proc. */
export function readProcesses(): Map<number, ProcessInfo> {
  const processes = new Map<number, ProcessInfo>();
  if (!hasProcfs) return processes;
  for (const name of readdirSync('/proc')) {
    const text = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : undefined;
    const info = text === undefined ? undefined : parseStat(text);
    if (info) processes.set(info.pid, info);
  }
  return processes;
}

/** A line of /proc/<pid>/stat. The name in it may hold blanks and parentheses, hence the last `)`. */
export function parseStat(text: string): ProcessInfo | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, user, system, childrenUser, childrenSystem] = [1, 11, 12, 13, 14].map((at) => Number(fields[at]));
  const pid = Number.parseInt(text, 10);
  if (parent === undefined || user === undefined || system === undefined || Number.isNaN(pid)) return undefined;
  const cpuSeconds = (user + system) / ticksPerSecond;
  return {
    pid,
    parent,
    cpuSeconds,
    endedChildrenCpuSeconds: ((childrenUser ?? 0) + (childrenSystem ?? 0)) / ticksPerSecond,
  };
}

/** Processor time of the whole machine since it started, all processors together. */
export interface MachineCpu {
  busySeconds: number;
  /** What its host gave to others. */
  stolenSeconds: number;
}

/** Undefined where there is no /proc. */
export function readMachineCpu(): MachineCpu | undefined {
  const text = read('/proc/stat');
  return text === undefined ? undefined : parseMachineStat(text);
}

/** The first line of /proc/stat. Waiting for a disk is not being busy; guests are counted in `user` already. */
export function parseMachineStat(text: string): MachineCpu | undefined {
  const fields = /^cpu +([\d ]+)/.exec(text)?.[1]?.split(' ').map(Number);
  if (!fields) return undefined;
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = fields;
  const busy = user + nice + system + interrupts + softInterrupts;
  return { busySeconds: busy / ticksPerSecond, stolenSeconds: stolen / ticksPerSecond };
}

export function readMemory(pid: number): Memory | undefined {
  const status = read(`/proc/${pid}/status`);
  return status === undefined ? undefined : parseStatus(status);
}

/** The file that a process runs. Undefined if it has ended, or is not ours to look into. */
export function programOf(pid: number): string | undefined {
  return unlessGone(() => readlinkSync(`/proc/${pid}/exe`));
}

export function parseStatus(text: string): Memory {
  return {
    privateBytes: kilobytes(text, 'RssAnon'),
    sharedBytes: kilobytes(text, 'RssFile') + kilobytes(text, 'RssShmem'),
  };
}

/**
 * The process's fair share of memory: shared pages divided by the number of those who share them. Undefined for a process of
 * another user. Reading it walks the page tables: not something to do each second under load.
 */
export function readPssBytes(pid: number): number | undefined {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  return rollup === undefined ? undefined : kilobytes(rollup, 'Pss');
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1_024;
}

function read(file: string): string | undefined {
  return unlessGone(() => readFileSync(file, 'utf8'));
}

/** Undefined if the process has ended in the meantime, or is not ours to look into. */
function unlessGone(look: () => string): string | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
