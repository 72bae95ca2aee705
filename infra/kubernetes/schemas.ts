import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

export type Schema = Record<string, unknown>;
interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}
interface Swagger {
  definitions: Record<string, Schema & { 'x-kubernetes-group-version-kind'?: GroupVersionKind[] }>;
}
interface Crd {
  kind: string;
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}

/**
 * Writes one JSON schema for each kind, as `<group>/<kind>_<version>.json` in small letters: those of Kubernetes from its
 * OpenAPI document, those of operators from their CRDs. All are closed: a field that is not theirs is an error.
 */
export async function writeSchemas(folder: string, from: { kubernetes: string; crds: string[] }): Promise<void> {
  const swagger = JSON.parse(await readFile(from.kubernetes, 'utf8')) as Swagger;
  for (const [kind, schema] of kubernetesSchemas(swagger)) await write(folder, kind, schema);
  for (const crds of from.crds) {
    for (const name of (await readdir(crds)).filter((file) => file.endsWith('.yaml'))) {
      const crd = parse(await readFile(join(crds, name), 'utf8')) as Crd;
      for (const { name: version, schema } of crd.spec.versions) {
        const kind = { group: crd.spec.group, version, kind: crd.spec.names.kind };
        await write(folder, kind, withRoot(closed(schema.openAPIV3Schema)));
      }
    }
  }
}

async function write(folder: string, { group, version, kind }: GroupVersionKind, schema: Schema): Promise<void> {
  // What kubeconform's {{ .Group }} says of Pod and its like is their version.
  const place = join(folder, group === '' ? version : group);
  await mkdir(place, { recursive: true });
  await writeFile(join(place, `${kind.toLowerCase()}_${version}.json`), JSON.stringify(schema));
}

function* kubernetesSchemas({ definitions }: Swagger): Generator<[GroupVersionKind, Schema]> {
  for (const [name, definition] of Object.entries(definitions)) {
    // Several: a type that goes with all groups, such as DeleteOptions. Nobody writes one down.
    const [kind, ...others] = definition['x-kubernetes-group-version-kind'] ?? [];
    if (!kind || others.length > 0) continue;
    const needed = closure(name, definitions);
    const schemas = needed.map((one) => [one, closed(definitions[one]!)]);
    yield [kind, { $ref: `#/definitions/${name}`, definitions: Object.fromEntries(schemas) as Schema }];
  }
}

/** The definition and all that it refers to. */
function closure(name: string, definitions: Swagger['definitions'], seen = new Set<string>()): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  const references = JSON.stringify(definitions[name]).matchAll(/"#\/definitions\/([^"]+)"/g);
  return [name, ...[...references].flatMap(([, other]) => closure(other!, definitions, seen))];
}

/** With nothing beyond its properties, and with numbers where Kubernetes takes them for quantities and ports. */
export function closed(schema: Schema): Schema {
  if (schema.format === 'int-or-string' || schema['x-kubernetes-int-or-string'] === true) {
    return { type: ['string', 'integer'] };
  }
  if (String(schema.description).startsWith('Quantity is a fixed-point representation'))
    return { type: ['string', 'number'] };
  const inner = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inner);
    return typeof value === 'object' && value !== null ? closed(value as Schema) : value;
  };
  const result: Schema = {};
  for (const [key, value] of Object.entries(schema)) {
    // What stands below `properties` are names, not schemas; one may be called `format`.
    if (key === 'properties') {
      result[key] = Object.fromEntries(Object.entries(value as Schema).map(([name, one]) => [name, inner(one)]));
    } else result[key] = key === 'description' || key === 'default' || key === 'enum' ? value : inner(value);
  }
  const open = 'additionalProperties' in schema || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if ('properties' in schema && !open) result.additionalProperties = false;
  return result;
}

/** A CRD's schema leaves out what all kinds have. */
function withRoot(schema: Schema): Schema {
  const common = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } };
  return { ...schema, properties: { ...common, ...(schema.properties as Schema) } };
}
