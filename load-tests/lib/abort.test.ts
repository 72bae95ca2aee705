import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

test('one Ctrl-C that arrives twice aborts once, and leaves the time to stop in order', () => {
  const program = `
    import { abortedBySignals } from ${JSON.stringify(join(import.meta.dirname, 'abort.ts'))};
    abortedBySignals().addEventListener('abort', ({ target }) => {
      process.kill(process.pid, 'SIGINT');
      setTimeout(() => {
        console.log(target.reason.message + ', in order');
        process.exit(3);
      }, 50);
    });
    setInterval(() => undefined, 60_000);
    process.kill(process.pid, 'SIGINT');`;
  const { status, signal, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  expect([status, signal, stdout.toString()]).toEqual([3, null, 'stopped by SIGINT, in order\n']);
});
