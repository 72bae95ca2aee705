import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { go } from '../go.ts';

const local = join(import.meta.dirname, '../../.local');
const program = join(local, 'bin/otelcol');
const build = join(local, 'collector-build');
const source = join(import.meta.dirname, 'main.go');

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
  await go(['build', '-mod=mod', '-buildvcs=false', '-o', program, '.'], build);
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
