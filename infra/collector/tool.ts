import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const local = join(import.meta.dirname, '../../.local');
const program = join(local, 'bin/otelcol');
const build = join(local, 'collector-build');
const source = join(import.meta.dirname, 'main.go');
const buildTimeoutMs = 15 * 60_000;

/** The OpenTelemetry Collector that `npm run collector:tool` has put under .local, if it is of the source that is there. */
export async function findCollector(): Promise<string | undefined> {
  if (!existsSync(program)) return undefined;
  const [built, wanted] = await Promise.all([join(build, 'main.go'), source].map((file) => readFile(file, 'utf8')));
  return built === wanted ? program : undefined;
}

/** Builds it with Go, from the modules that its source names. @throws with what Go said */
export async function installCollector(say: (line: string) => void): Promise<void> {
  if (await findCollector()) return;
  await mkdir(build, { recursive: true });
  await copyFile(source, join(build, 'main.go'));
  await writeFile(join(build, 'go.mod'), goMod);
  say('building the OpenTelemetry Collector with Go, once (a few minutes) …');
  await go(['build', '-mod=mod', '-buildvcs=false', '-o', program, '.']);
}

/** All of one release, as the project asks for. */
const goMod = `module flashsalecollector

go 1.25.0

require (
	github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter v0.165.1
	go.opentelemetry.io/collector/component v1.71.0
	go.opentelemetry.io/collector/confmap v1.71.0
	go.opentelemetry.io/collector/confmap/provider/envprovider v1.71.0
	go.opentelemetry.io/collector/confmap/provider/fileprovider v1.71.0
	go.opentelemetry.io/collector/exporter v1.71.0
	go.opentelemetry.io/collector/otelcol v0.165.0
	go.opentelemetry.io/collector/receiver v1.71.0
	go.opentelemetry.io/collector/receiver/otlpreceiver v0.165.0
	go.opentelemetry.io/collector/service v0.165.0
)
`;

async function go(args: string[]): Promise<void> {
  const child = spawn('go', args, { cwd: build, stdio: ['ignore', 'ignore', 'pipe'], timeout: buildTimeoutMs });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-3_000)));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`go ${args[0]} failed:\n${errors.trim()}`);
}
