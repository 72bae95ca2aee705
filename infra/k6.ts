import { execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const pinned = 'v2.2.0';
const buildTimeoutMs = 15 * 60_000;
const local = join(import.meta.dirname, '..', '.local');
const run = promisify(execFile);

/**
 * The path of a k6 of major version 2: the one on the PATH, else the one under .local/bin, else a new build of the pinned
 * version, where Go is present. Throws one message that says what to install.
 */
export async function findK6(): Promise<string> {
  const built = join(local, 'bin', 'k6');
  for (const candidate of ['k6', built]) if (await isVersion2(candidate)) return candidate;
  if (!(await answers('go', ['version']))) {
    throw new Error(
      `k6 2.x is needed: install it (https://grafana.com/docs/k6/latest/set-up/install-k6/) or install Go`,
    );
  }
  await build(built);
  return built;
}

/** "k6 v2.2.0 (go1.26, linux/amd64)" → 2; anything else → undefined. */
export function majorVersion(output: string): number | undefined {
  const major = /^k6(?:\.exe)? v(\d+)\./m.exec(output)?.[1];
  return major === undefined ? undefined : Number(major);
}

async function isVersion2(command: string): Promise<boolean> {
  return majorVersion((await answers(command, ['version'])) ?? '') === 2;
}

async function answers(command: string, args: string[]): Promise<string | undefined> {
  try {
    return (await run(command, args, { timeout: 10_000 })).stdout;
  } catch {
    return undefined;
  }
}

/**
 * Builds from a module of its own rather than by `go install …@version`: that one asks the host go.k6.io whether the module is
 * deprecated, and fails where only the module proxy is reachable.
 */
async function build(target: string): Promise<void> {
  const folder = join(local, 'k6-build');
  await mkdir(folder, { recursive: true });
  await mkdir(dirname(target), { recursive: true });
  await writeFile(join(folder, 'go.mod'), `module k6build\n\ngo 1.25.0\n\nrequire go.k6.io/k6/v2 ${pinned}\n`);
  process.stderr.write(`building k6 ${pinned} with Go, once (two to five minutes)\n`);
  const started = Date.now();
  const dots = setInterval(() => process.stderr.write('.'), 5_000);
  try {
    await goBuild(folder, target);
  } finally {
    clearInterval(dots);
  }
  process.stderr.write(`\nk6 ${pinned} built in ${Math.round((Date.now() - started) / 1_000)} s\n`);
}

async function goBuild(cwd: string, target: string): Promise<void> {
  const child = spawn('go', ['build', '-mod=mod', '-buildvcs=false', '-o', target, 'go.k6.io/k6/v2'], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: buildTimeoutMs,
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`k6 could not be built; install k6 2.x by hand. go build said:\n${errors.trim()}`);
}
