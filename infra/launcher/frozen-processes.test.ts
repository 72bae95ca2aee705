import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { FrozenProcesses, frozenAfterMs, maxGapMs } from './frozen-processes.ts';
import { stateOf } from './process-identity.ts';

const onLinux = process.platform === 'linux' ? describe : describe.skip;
const everyMs = maxGapMs / 2;

onLinux('a process that does not run', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  function aProcess(command = process.execPath, args = ['-e', 'setInterval(() => {}, 1_000)']) {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    return { child, name: 'it', pid: child.pid! };
  }
  const untilState = (pid: number, state: string) => eventually(() => expect(stateOf(pid)).toBe(state));

  /** Looks again and again for as long, by a clock of its own, and answers which look found what. */
  function looks(frozen: FrozenProcesses, one: { name: string; pid: number }, fromMs: number, forMs: number) {
    const found: number[] = [];
    for (let ms = fromMs; ms <= fromMs + forMs; ms += everyMs) {
      if (frozen.look([{ name: one.name, pid: one.pid }], ms).length > 0) found.push(ms - fromMs);
    }
    return found;
  }

  test('is found when it has been stopped for so long, and no longer once it goes on', async () => {
    const one = aProcess();
    one.child.kill('SIGSTOP');
    await untilState(one.pid, 'T');
    const frozen = new FrozenProcesses();
    expect(looks(frozen, one, 0, frozenAfterMs + everyMs)).toEqual([frozenAfterMs, frozenAfterMs + everyMs]);
    one.child.kill('SIGCONT');
    await eventually(() => expect(stateOf(one.pid)).not.toBe('T'));
    const nowMs = frozenAfterMs + 2 * everyMs;
    expect(looks(frozen, one, nowMs, 0)).toEqual([]);
    one.child.kill('SIGSTOP');
    await untilState(one.pid, 'T');
    expect(looks(frozen, one, nowMs + everyMs, frozenAfterMs - everyMs)).toEqual([]);
  });

  test('is not judged by a watcher that did not run either', async () => {
    const one = aProcess();
    one.child.kill('SIGSTOP');
    await untilState(one.pid, 'T');
    const frozen = new FrozenProcesses();
    looks(frozen, one, 0, frozenAfterMs - everyMs);
    // As after a night with the lid closed: all of it goes on at the same moment, in whatever order.
    const laterMs = 30_000_000;
    expect(looks(frozen, one, laterMs, frozenAfterMs - everyMs)).toEqual([]);
    expect(looks(frozen, one, laterMs + frozenAfterMs, 0)).toEqual([0]);
  });

  test('is found among the children of another, too', async () => {
    const parent = aProcess('sh', ['-c', 'sleep 60 & echo $!; wait']);
    const [line] = (await once(parent.child.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    try {
      process.kill(pid, 'SIGSTOP');
      await untilState(pid, 'T');
      const frozen = new FrozenProcesses();
      looks(frozen, parent, 0, frozenAfterMs - everyMs);
      expect(frozen.look([parent], frozenAfterMs)).toEqual([{ name: 'it', pid }]);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  test('is none whose event loop is blocked, however long', async () => {
    const blocked = 'console.log(1); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';
    const one = aProcess(process.execPath, ['-e', blocked]);
    await once(one.child.stdout, 'data');
    expect(looks(new FrozenProcesses(), one, 0, 60_000)).toEqual([]);
  });

  test('is none that is only slow: many that want the processor at once', async () => {
    const burners = Array.from({ length: 6 }, () => aProcess(process.execPath, ['-e', 'for (;;);']));
    const frozen = new FrozenProcesses();
    for (let n = 0; n < 20; n++) {
      expect(frozen.look(burners)).toEqual([]);
      await sleep(50);
    }
  });

  test('is none that has ended', async () => {
    const one = aProcess();
    one.child.kill('SIGKILL');
    await once(one.child, 'exit');
    expect(looks(new FrozenProcesses(), one, 0, 10_000)).toEqual([]);
  });
});
