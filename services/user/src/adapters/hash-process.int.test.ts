import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import type { Logger } from '@flash-sale/shared/log.ts';
import { argon2id, type Derivation } from './argon2.ts';
import { HashProcess, type HashProcessOptions } from './hash-process.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function aHashProcess(options: Partial<HashProcessOptions> = {}) {
  const said: string[] = [];
  const log = { warn: (_of: object, what: string) => void said.push(what) } as unknown as Logger;
  const hashing = new HashProcess({ concurrency: 2, log, ...options });
  closing.push(() => hashing.close());
  return { hashing, said };
}
/** A program that is there in place of the real one. */
async function program(text: string): Promise<string> {
  const file = join(import.meta.dirname, `.hash-worker-${process.pid}-${closing.length}.mjs`);
  await writeFile(file, text);
  closing.push(() => rm(file, { force: true }));
  return file;
}
const cheap = (n = 0): Derivation => {
  const message = Buffer.from(`password ${n}`);
  return { message, nonce: Buffer.alloc(16, n), memory: 64, passes: 1, parallelism: 1, tagLength: 32 };
};
/** As a password. */
const expensive = (n: number): Derivation => ({ ...cheap(n), memory: 19_456, passes: 6 });
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const lives = (pid: number) =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
const gone = (pid: number) => eventually(() => expect(lives(pid)).toBe(false));

async function expectAllComputed(hashing: HashProcess, meanwhile: (pid: number) => unknown) {
  const wanted = Array.from({ length: 6 }, (_, n) => expensive(n));
  await hashing.derive(cheap());
  const computed = Promise.all(wanted.map((of) => hashing.derive(of)));
  await meanwhile(hashing.pid!);
  expect((await computed).map(hex)).toEqual((await Promise.all(wanted.map(argon2id.derive))).map(hex));
}

describe('a process that hashes', () => {
  test('starts when it is needed, computes the same, and ends when it was not needed for a while', async () => {
    const { hashing, said } = aHashProcess({ restAfterMs: 200 });
    expect(hashing.pid).toBeUndefined();
    for (let round = 0; round < 2; round += 1) {
      const hashes = await Promise.all(Array.from({ length: 20 }, (_, n) => hashing.derive(cheap(n))));
      expect(hashes.map(hex)).toEqual(Array.from({ length: 20 }, (_, n) => hex(argon2id.deriveSync(cheap(n)))));
      const pid = hashing.pid!;
      expect(pid).not.toBe(process.pid);
      await gone(pid);
      expect(hashing.pid).toBeUndefined();
    }
    expect(said).toEqual([]);
  });

  test('gives way to all others, with each of its threads', async () => {
    const { hashing } = aHashProcess();
    await Promise.all([1, 2, 3].map((n) => hashing.derive(cheap(n))));
    const of = `/proc/${hashing.pid}`;
    // The 19th field, counted behind the name in brackets.
    const niceOf = (thread: string) =>
      Number(readFileSync(`${of}/task/${thread}/stat`, 'utf8').split(') ')[1]!.split(' ')[16]);
    expect(
      readdirSync(`${of}/task`)
        .map(niceOf)
        .filter((nice) => nice !== 10),
    ).toEqual([]);
    const hasSessionsWeighed =
      existsSync('/proc/self/autogroup') && readFileSync('/proc/self/autogroup', 'utf8') !== '';
    if (hasSessionsWeighed)
      await eventually(() => expect(readFileSync(`${of}/autogroup`, 'utf8')).toMatch(/ nice 10$/m));
    expect(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')[16]).toBe('0');
  });

  test('that is killed is replaced, and its successor computes what it owed', async () => {
    const { hashing, said } = aHashProcess();
    let first = 0;
    await expectAllComputed(hashing, (pid) => process.kill((first = pid), 'SIGKILL'));
    expect(hashing.pid).not.toBe(first);
    expect(said).toEqual(['the process that hashes passwords has ended']);
  });

  test('that is frozen is replaced, and delays nobody for so long', async () => {
    const { hashing } = aHashProcess({ silentMaxMs: 5_000, overdueMs: 500 });
    let frozen = 0;
    await expectAllComputed(hashing, (pid) => process.kill((frozen = pid), 'SIGSTOP'));
    await gone(frozen);
    expect(hex(await hashing.derive(cheap()))).toBe(hex(argon2id.deriveSync(cheap())));
    expect(hashing.pid).not.toBe(frozen);
  });

  test('that goes on after it was frozen is kept', async () => {
    const { hashing, said } = aHashProcess({ silentMaxMs: 60_000, overdueMs: 500 });
    await expectAllComputed(hashing, (pid) => process.kill(pid, 'SIGSTOP'));
    const pid = hashing.pid!;
    process.kill(pid, 'SIGCONT');
    expect(hex(await hashing.derive(cheap(7)))).toBe(hex(argon2id.deriveSync(cheap(7))));
    expect([hashing.pid, said]).toEqual([pid, []]);
  });

  test('ends with the service, however that ends', async () => {
    const service = await program(
      `import { HashProcess } from './hash-process.ts';
       const hashing = new HashProcess({ concurrency: 1, log: console });
       const of = { message: Buffer.from('p'), nonce: Buffer.alloc(16), memory: 64, passes: 1, parallelism: 1, tagLength: 32 };
       await hashing.derive(of);
       process.stdout.write(String(hashing.pid));
       setInterval(() => {}, 1_000);`,
    );
    const child = spawn(process.execPath, [service], { stdio: ['ignore', 'pipe', 'inherit'] });
    closing.push(() => child.kill('SIGKILL'));
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    expect(lives(pid)).toBe(true);
    child.kill('SIGKILL');
    await gone(pid);
  });

  test('does not keep the service from ending', async () => {
    const service = await program(
      `import { HashProcess } from './hash-process.ts';
       const of = { message: Buffer.from('p'), nonce: Buffer.alloc(16), memory: 64, passes: 1, parallelism: 1, tagLength: 32 };
       await new HashProcess({ concurrency: 1, log: console }).derive(of);`,
    );
    const child = spawn(process.execPath, [service], { stdio: 'inherit' });
    closing.push(() => child.kill('SIGKILL'));
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('a program that is no good', () => {
  test.each([
    ['cannot be read', () => '/nowhere/hash-worker.ts'],
    ['fails at once', () => program('process.exit(3)')],
    ['never gets ready', () => program('setInterval(() => {}, 1_000)')],
  ])('which %s: this process computes, and says so once', async (_, make) => {
    const { hashing, said } = aHashProcess({ program: await make(), silentMaxMs: 2_000 });
    for (let round = 0; round < 2; round += 1) {
      const hashes = await Promise.all([1, 2].map((n) => hashing.derive(cheap(n))));
      expect(hashes.map(hex)).toEqual([1, 2].map((n) => hex(argon2id.deriveSync(cheap(n)))));
    }
    expect(hashing.pid).toBeUndefined();
    expect(said).toEqual(['no process that hashes passwords could be started; this one does it']);
  });

  const asked = (then: string) => program(`process.on('message', () => ${then}); process.send({ ready: true })`);
  test.each([
    ['dies over the first that it is asked', () => asked('process.exit(4)')],
    ['answers nonsense', () => asked("process.send('?')")],
    ['never answers', () => asked('{}')],
  ])('which %s, though it has started: this process computes, and starts no other for a while', async (_, make) => {
    const options = { program: await make(), silentMaxMs: 2_000, startAgainAfterMs: 60_000 };
    const { hashing, said } = aHashProcess(options);
    for (let round = 0; round < 2; round += 1) {
      const hashes = await Promise.all([1, 2].map((n) => hashing.derive(cheap(n))));
      expect(hashes.map(hex)).toEqual([1, 2].map((n) => hex(argon2id.deriveSync(cheap(n)))));
      expect(hashing.pid).toBeUndefined();
    }
    expect(said).toEqual(['no process that hashes passwords could be started; this one does it']);
  });

  test('is tried again after that while', async () => {
    const { hashing, said } = aHashProcess({ program: await asked('process.exit(4)'), startAgainAfterMs: 1 });
    await hashing.derive(cheap());
    await eventually(async () => {
      await hashing.derive(cheap());
      expect(said.length).toBeGreaterThan(1);
    });
  });

  const poison: Derivation = { ...cheap(), message: Buffer.from('poison') };
  test.each([
    ['dies over something', 'process.exit(4)'],
    ['answers nonsense to something', "process.send('?')"],
  ])('which %s: that is refused when it has died twice, and nothing is tried for ever', async (_, then) => {
    const text = `
      import { argon2id } from './argon2.ts';
      process.on('message', async ({ id, of }) => {
        if (Buffer.from(of.message).toString() === 'poison') ${then};
        else process.send({ id, hash: await argon2id.derive(of) });
      });
      process.send({ ready: true });`;
    const { hashing, said } = aHashProcess({ program: await program(text) });
    expect(hex(await hashing.derive(cheap()))).toBe(hex(argon2id.deriveSync(cheap())));
    await expect(hashing.derive(poison)).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 1 });
    expect(said).toEqual([
      'the process that hashes passwords has ended',
      'no process that hashes passwords could be started; this one does it',
    ]);
    expect(hashing.pid).toBeUndefined();
  });

  test('when it is closed, who waits is refused, and who comes', async () => {
    const { hashing } = aHashProcess();
    const waiting = hashing.derive(expensive(1));
    const pid = hashing.pid!;
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'unavailable' }), hashing.close()]);
    await gone(pid);
    await expect(hashing.derive(cheap())).rejects.toMatchObject({ code: 'unavailable' });
  });
});
