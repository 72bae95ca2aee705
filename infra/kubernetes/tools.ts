import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { go } from '../go.ts';
import { findExecutable } from '../launcher/find-executable.ts';
import { writeSchemas } from './schemas.ts';

const local = join(import.meta.dirname, '../../.local');
const bin = join(local, 'bin');
const schemas = join(local, 'kubernetes-schemas');

/** All from the module proxy of Go: the tools, and those modules that carry the schemas. */
const tools = {
  kustomize: { module: 'sigs.k8s.io/kustomize/kustomize/v5', version: 'v5.7.1', main: '' },
  kubeconform: { module: 'github.com/yannh/kubeconform', version: 'v0.7.0', main: '/cmd/kubeconform' },
} as const;
const kubernetes = 'k8s.io/kubernetes@v1.34.1';
const operators = [
  { module: 'github.com/cloudnative-pg/cloudnative-pg@v1.28.0', crds: 'config/crd/bases' },
  { module: 'github.com/kedacore/keda/v2@v2.21.0', crds: 'config/crd/bases' },
];
/** Written last, with what the schemas are of: those of before another version was asked for are not there. */
const marker = join(schemas, 'complete');
const sources = [kubernetes, ...operators.map(({ module }) => module)].join('\n');
const haveSchemas = () => existsSync(marker) && readFileSync(marker, 'utf8') === sources;

/** Its operator's module is not on the proxy. */
export const kindsWithoutSchema = ['RabbitmqCluster'];

export interface KubernetesTools {
  kustomize: string;
  kubeconform: string;
  /** The value of kubeconform's option -schema-location. */
  schemas: string;
}

/** What `npm run kubernetes:tools` has put under .local, or the programs on the PATH with those schemas. */
export function findKubernetesTools(): KubernetesTools | undefined {
  const program = (name: string) => [join(bin, name)].find(existsSync) ?? findExecutable(name);
  const [kustomize, kubeconform] = [program('kustomize'), program('kubeconform')];
  if (!kustomize || !kubeconform || !haveSchemas()) return undefined;
  return {
    kustomize,
    kubeconform,
    schemas: join(schemas, '{{ .Group }}', '{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json'),
  };
}

/** Builds what is missing, with Go. @throws with what Go said */
export async function installKubernetesTools(say: (line: string) => void): Promise<void> {
  await mkdir(bin, { recursive: true });
  const missing = Object.entries(tools).filter(([name]) => !existsSync(join(bin, name)));
  if (missing.length > 0)
    await build(
      missing.map(([, tool]) => tool),
      say,
    );
  if (haveSchemas()) return;
  say('fetching the schemas …');
  await rm(schemas, { recursive: true, force: true });
  await writeSchemas(schemas, {
    kubernetes: join(await moduleFolder(kubernetes), 'api/openapi-spec/swagger.json'),
    crds: await Promise.all(operators.map(async ({ module, crds }) => join(await moduleFolder(module), crds))),
  });
  await writeFile(marker, sources);
}

/** From a module of its own, for the same reason as k6 (infra/k6.ts). */
async function build(wanted: (typeof tools)[keyof typeof tools][], say: (line: string) => void): Promise<void> {
  const folder = join(local, 'kubernetes-build');
  await mkdir(folder, { recursive: true });
  const required = wanted.map(({ module, version }) => `require ${module} ${version}\n`).join('');
  await writeFile(join(folder, 'go.mod'), `module kubernetesbuild\n\ngo 1.24.0\n\n${required}`);
  say(`building ${wanted.map(({ module }) => module).join(' and ')} with Go, once …`);
  const packages = wanted.map(({ module, main }) => module + main);
  await go(['build', '-mod=mod', '-buildvcs=false', '-o', `${bin}/`, ...packages], folder);
}

async function moduleFolder(module: string): Promise<string> {
  return (JSON.parse(await go(['mod', 'download', '-json', module], local)) as { Dir: string }).Dir;
}
