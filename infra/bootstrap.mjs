/**
 * What runs on the machine's own Node (any version from 20): installs the packages where they are missing or old, and
 * then hands over to the pinned Node 24 that comes with them. Plain JavaScript without dependencies, because on a
 * fresh machine there is nothing else yet.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { helpWithoutPackages } from './help-without-packages.mjs';

// Not import.meta.dirname: that came with Node 20.11.
const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..');
const pinnedNode = join(root, 'node_modules/.bin/node');

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
let askedToStop = false;

/**
 * Runs a TypeScript file of this folder on the pinned Node, with this process's arguments; does not return.
 * @param words.stopped last words of a command that a signal to stop ends with 0: then it does so also while it cannot yet answer
 *   for itself
 * @param words.killed what to say when it was killed
 */
export async function bootstrap(script, words = {}) {
  for (const signal of stopSignals) process.on(signal, () => (askedToStop = true));
  if (root.includes('*')) {
    console.error(`Node finds no package below a folder with * in its name; move the clone elsewhere: ${root}`);
    process.exit(1);
  }
  if (!packagesAreInstalled()) {
    if (asksForHelp()) {
      console.log(helpWithoutPackages(root, process.argv[1]));
      process.exit(0);
    }
    await installPackages(words);
  }
  handOver(join(here, script), words);
}

const asksForHelp = () => process.argv.slice(2).some((argument) => ['--help', '-h'].includes(argument));

/**
 * True if every package of the lock file is installed in exactly that version. npm writes what it installed to
 * node_modules/.package-lock.json; comparing the two, and not their times, stays right after a checkout or a copy.
 */
function packagesAreInstalled() {
  const installed = packagesOf(join(root, 'node_modules/.package-lock.json'));
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (!installed || !wanted || !existsSync(pinnedNode)) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true;
    const present = installed[path];
    if (!present) return entry.optional === true;
    return present.version === entry.version && present.integrity === entry.integrity;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

async function installPackages(words) {
  const startedAt = Date.now();
  console.log('installing packages (npm ci; a minute or so on a fresh machine) …');
  const ticker = setInterval(() => console.log(`  … ${Math.round((Date.now() - startedAt) / 1000)} s`), 10_000);
  // npm tells its scripts where it lives; started without npm, the one in the PATH is as good.
  const npmScript = process.env.npm_execpath?.endsWith('.js') ? [process.env.npm_execpath] : undefined;
  // The development packages are needed even where NODE_ENV=production is set: npm test runs here too.
  const args = ['ci', '--include=dev', '--no-progress', '--no-audit', '--no-fund'];
  const npm = spawn(npmScript ? process.execPath : 'npm', [...(npmScript ?? []), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  npm.stdout.on('data', (chunk) => (output += chunk));
  npm.stderr.on('data', (chunk) => (output += chunk));
  const forward = (signal) => npm.kill(signal);
  stopSignals.forEach((signal) => process.on(signal, forward));
  const code = await new Promise((resolve) => {
    npm.on('error', (error) => {
      output += error.message;
      resolve(1);
    });
    npm.on('close', (exitCode) => resolve(exitCode ?? 1));
  });
  clearInterval(ticker);
  stopSignals.forEach((signal) => process.off(signal, forward));
  if (askedToStop) endStopped(words);
  if (code === 0 && existsSync(pinnedNode)) return;
  console.error(output.trim().split('\n').slice(0, 30).join('\n'));
  console.error(
    code === 0
      ? 'npm ci left no node_modules/.bin/node: is ignore-scripts set? Then run: npm rebuild node --ignore-scripts=false'
      : `npm ci failed (exit code ${code}). See above, and try again: npm ci`,
  );
  process.exit(1);
}

/**
 * The child shares the terminal and has a channel to us: when we are killed without a chance to say so, the channel
 * closes and the child stops everything in order by itself.
 */
function handOver(script, words) {
  const child = spawn(pinnedNode, ['--disable-warning=ExperimentalWarning', script, ...process.argv.slice(2)], {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: join(root, '.local/compile-cache'),
      COMMAND_BEGAN_AT_MS: String(Math.round(performance.timeOrigin)),
    },
  });
  for (const signal of stopSignals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`cannot run ${pinnedNode}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (code !== null) process.exit(code);
    if (askedToStop && stopSignals.includes(signal)) endStopped(words, signal);
    console.error([`ended by ${signal}`, ...(words.killed ? [words.killed] : [])].join(': '));
    process.exit(exitCodeOf(signal));
  });
  stopWhenNpmIsGone(child);
}

/** As whoever started it asked. */
function endStopped({ stopped }, signal = 'SIGINT') {
  if (stopped) console.log(stopped);
  process.exit(stopped ? 0 : exitCodeOf(signal));
}

const exitCodeOf = (signal) => 128 + (constants.signals[signal] ?? 0);

/** A killed npm does not always take its script along. Outside npm nothing is assumed about the parent. */
function stopWhenNpmIsGone(child) {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 1_000).unref();
}
