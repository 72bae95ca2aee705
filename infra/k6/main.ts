/** `npm run k6`: runs a script of one's own in the k6 that the load tests use. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { argumentsOrExit, UsageError } from '../command-line.ts';
import { findK6 } from '../k6.ts';
import { findRunningStack, NotRunning } from '../launcher/running-stack.ts';

const usage = `usage: npm run k6 -- [-e NAME=VALUE ...] [options of k6 run] SCRIPT

Runs a script in k6 2.x: the one on the PATH, else the one in .local/bin, else one that is built there once with Go.
The environment is passed on, and the exit code is that of k6. Paths start from the project's folder. Scripts of load-tests/ ask the
stack that npm start runs, unless BASE_URL names another address.

  npm run k6 -- load-tests/checkout.ts
  npm run k6 -- -e VUS=500 -e DURATION=60s load-tests/checkout.ts`;

const args = argumentsOrExit((argv) => {
  // Before a k6 is looked for, or built: without a script it would have nothing to do.
  if (!argv.some(mayBeScript))
    throw new UsageError(argv.length === 0 ? 'which script?' : `which script? There is none in: ${argv.join(' ')}`);
  return argv;
}, usage);

/** A file, a remote module, or standard input; not an option, nor the value that -e gives to a name. */
function mayBeScript(argument: string): boolean {
  return argument === '-' || !/^(-|[A-Za-z_]\w*=)/.test(argument);
}

/** Scripts cannot look where the stack is; one that is not running is theirs to complain of. */
function whereTheStackIs(): { BASE_URL?: string } {
  try {
    return { BASE_URL: findRunningStack().url };
  } catch (error) {
    if (error instanceof NotRunning) return {};
    throw error;
  }
}

const k6 = spawn(await findK6(), ['run', '--no-usage-report', ...args], {
  stdio: 'inherit',
  env: { ...whereTheStackIs(), ...process.env },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => k6.kill(signal));
k6.on('error', (error) => {
  console.error(`k6 cannot be run: ${error.message}`);
  process.exit(1);
});
k6.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
