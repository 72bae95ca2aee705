import { describe, expect, test } from '@jest/globals';
import { hasProcfs, parseMachineStat, parseStat, parseStatus, readProcesses, type ProcessInfo } from './procfs.ts';
import {
  bytesOf,
  cpuSecondsOf,
  measureAtRest,
  measureUsage,
  ownersOf,
  totalsAtRest,
  type UsageSample,
} from './usage.ts';

const aProcess = (pid: number, parent: number, cpuSeconds = 0, endedChildrenCpuSeconds = 0): ProcessInfo => ({
  pid,
  parent,
  cpuSeconds,
  endedChildrenCpuSeconds,
});
const byPid = (...processes: ProcessInfo[]) => new Map(processes.map((one) => [one.pid, one]));

describe('/proc', () => {
  test('a stat line is read past a name with blanks and parentheses', () => {
    const line = '4711 (postgres: io (w) 1) S 42 4711 4711 0 -1 4194560 900 0 0 0 250 50 7 3 20 0 1 0 12345 1 1';
    expect(parseStat(line)).toEqual({ pid: 4_711, parent: 42, cpuSeconds: 3, endedChildrenCpuSeconds: 0.1 });
  });

  test('a stat line that is cut off is nothing', () => {
    expect(parseStat('')).toBeUndefined();
  });

  test('the machine is busy with all but idling and waiting for a disk', () => {
    const text = 'cpu  100 20 30 5000 700 1 2 300 50 0\ncpu0 1 2 3 4\n';
    expect(parseMachineStat(text)).toEqual({ busySeconds: 1.53, stolenSeconds: 3 });
    expect(parseMachineStat('')).toBeUndefined();
  });

  test('memory is private or shared', () => {
    const status =
      'Name:\tnode\nVmRSS:\t  90000 kB\nRssAnon:\t   50000 kB\nRssFile:\t   38000 kB\nRssShmem:\t    2000 kB\n';
    expect(parseStatus(status)).toEqual({ privateBytes: 51_200_000, sharedBytes: 40_960_000 });
  });

  test('a kernel thread, which has no memory, has none', () => {
    expect(parseStatus('Name:\tkthreadd\n')).toEqual({ privateBytes: 0, sharedBytes: 0 });
  });
});

describe('processor time', () => {
  const launcher = aProcess(10, 1, 5);
  const nginx = aProcess(20, 10, 1, 0.5);
  const worker = aProcess(21, 20, 4);
  const order = aProcess(30, 10, 7);
  const stranger = aProcess(99, 1, 100);
  const trees = [
    { name: 'nginx', pid: 20 },
    { name: 'order-1', pid: 30 },
  ];

  test('belongs to the nearest root among the ancestors', () => {
    const owners = ownersOf(byPid(launcher, nginx, worker, order, stranger), trees);
    expect(Object.fromEntries(owners)).toEqual({ 20: 'nginx', 21: 'nginx', 30: 'order-1' });
  });

  test('of a root below another root is its own', () => {
    const owners = ownersOf(byPid(launcher, nginx, worker), [...trees, { name: 'launcher', pid: 10 }]);
    expect(Object.fromEntries(owners)).toEqual({ 10: 'launcher', 20: 'nginx', 21: 'nginx' });
  });

  test('holds what living and ended children used', () => {
    expect(Object.fromEntries(cpuSecondsOf(byPid(nginx, worker, order), trees))).toEqual({ nginx: 5.5, 'order-1': 7 });
  });

  test('of a child is not lost when it ends', () => {
    const before = cpuSecondsOf(byPid(aProcess(20, 1, 1), aProcess(21, 20, 4)), trees).get('nginx');
    const after = cpuSecondsOf(byPid(aProcess(20, 1, 1, 4)), trees).get('nginx');
    expect(after).toBe(before);
  });

  test('ends at a circle of parents', () => {
    expect(ownersOf(byPid(aProcess(1, 2), aProcess(2, 1)), trees).size).toBe(0);
  });
});

describe('memory', () => {
  const bytes = (...memories: [name: string, program: string | undefined, ...members: [number, number][]][]) =>
    Object.fromEntries(
      bytesOf(
        memories.map(([name, program, ...members]) => ({
          name,
          program,
          members: members.map(([privateBytes, sharedBytes]) => ({ privateBytes, sharedBytes })),
        })),
      ),
    );

  test('of a tree: private pages in full, shared ones once', () => {
    expect(bytes(['postgres', 'postgres', [10, 100], [20, 120]])).toEqual({ postgres: 150 });
    expect(bytes(['gone', undefined])).toEqual({ gone: 0 });
  });

  test('of memories of one program: its pages count once among them', () => {
    expect(bytes(['order-1', 'node', [10, 50]], ['order-2', 'node', [20, 60]], ['redis', 'redis', [5, 7]])).toEqual({
      'order-1': 40,
      'order-2': 50,
      redis: 12,
    });
  });

  test('of programs that may not be seen: nothing is taken for shared', () => {
    expect(bytes(['a', undefined, [1, 10]], ['b', undefined, [1, 10]])).toEqual({ a: 11, b: 11 });
  });
});

test('this very process is seen at work; where there is no /proc, nothing is', () => {
  const samples: UsageSample[] = [];
  const done = measureUsage([{ name: 'me', pid: process.pid }], (sample) => samples.push(sample));
  const before = process.cpuUsage();
  while (process.cpuUsage(before).user < 100_000) Math.sqrt(Math.random());
  const [me] = done();
  expect((me?.cpuSeconds ?? 0) > 0.05).toBe(hasProcfs);
  expect((me?.peakBytes ?? 0) > 1_000_000).toBe(hasProcfs);
  expect(samples.map(({ trees }) => trees.map(({ name, bytes }) => [name, bytes === me?.peakBytes]))).toEqual([
    [['me', true]],
  ]);
  expect(readProcesses().get(process.pid)?.parent).toBe(hasProcfs ? process.ppid : undefined);
});

describe('at rest', () => {
  test('a process is seen with its memory and its share of a core', async () => {
    const busy = setInterval(() => {
      const until = performance.now() + 20;
      while (performance.now() < until) Math.sqrt(Math.random());
    }, 25);
    const [me] = await measureAtRest([{ name: 'me', pid: process.pid }], 0.3).finally(() => clearInterval(busy));
    expect((me?.pssBytes ?? 0) > 1_000_000).toBe(hasProcfs);
    expect((me?.rssBytes ?? 0) >= (me?.pssBytes ?? 0)).toBe(true);
    expect((me?.cores ?? 0) > 0).toBe(hasProcfs);
  });

  test('whatever is no server counts as Node, in each layout', () => {
    const one = (name: string, cores: number) => ({ name, pssBytes: 10, rssBytes: 20, cores });
    const shared = [one('postgres', 0.25), one('epmd', 0.25), one('services-1', 0.5), one('services-2', 0.25)];
    expect(totalsAtRest(shared)).toEqual({
      all: { pssBytes: 40, rssBytes: 80, cores: 1.25 },
      node: { pssBytes: 20, rssBytes: 40, cores: 0.75 },
    });
    expect(totalsAtRest([one('order-1', 0.5), one('nginx', 0.5)]).node.cores).toBe(0.5);
    expect(totalsAtRest([one('order-1', 0.5), one('postgres-replica-1', 0.5)]).node.cores).toBe(0.5);
  });

  test('what an earlier release did not look at is not zero', () => {
    expect(totalsAtRest([{ name: 'order-1', pssBytes: 10, rssBytes: 20 }]).node).toEqual({
      pssBytes: 10,
      rssBytes: 20,
    });
  });
});
