import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

/** A command that measures as the body says, and prints what it is concluded from. @returns its code, what it printed, and its scratch folder */
function command(measure: string, passed = true) {
  const program = `
    import { mkdirSync } from 'node:fs';
    import { runMeasurement } from ${JSON.stringify(join(import.meta.dirname, 'run.ts'))};
    class Expected extends Error {}
    const pause = () => new Promise((resolve) => setTimeout(resolve, 60_000));
    await runMeasurement({
      name: 'test',
      expected: [Expected],
      measure: async ({ scratch, signal }) => {
        mkdirSync(scratch, { recursive: true });
        console.log(scratch);
        ${measure}
      },
      conclude: (run, failure) => {
        console.log(failure ? 'ended early: ' + failure.message : 'measured');
        return ${passed};
      },
    });`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  const [scratch = '', ...said] = stdout.toString().trim().split('\n');
  return { status, said, stderr: stderr.toString().trim(), isTidy: scratch !== '' && !existsSync(scratch) };
}

test('a measurement ends with 0 if all is well and with 1 if not, and leaves no scratch folder', () => {
  expect(command('')).toEqual({ status: 0, said: ['measured'], stderr: '', isTidy: true });
  expect(command('', false)).toMatchObject({ status: 1, said: ['measured'], isTidy: true });
});

test('what was measured before something failed is reported, and the failure is no success', () => {
  const failed = command('throw new Error("broken");');
  expect(failed).toMatchObject({ status: 1, said: ['ended early: broken'], isTidy: true });
  expect(failed.stderr).toMatch(/^Error: broken\n +at /);
});

test('an error that is for the reader is printed without where it came from', () => {
  const failed = command('throw new Expected("no shop is ready");');
  expect(failed).toEqual({
    status: 1,
    said: ['ended early: no shop is ready'],
    stderr: 'no shop is ready',
    isTidy: true,
  });
});

test('Ctrl-C ends it with 130, and what was measured until then is reported', () => {
  const body = `
    const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('some request failed'))));
    process.kill(process.pid, 'SIGINT');
    await Promise.race([aborted, pause()]);`;
  expect(command(body)).toEqual({
    status: 130,
    said: ['ended early: stopped by SIGINT'],
    stderr: 'stopped by SIGINT',
    isTidy: true,
  });
});
