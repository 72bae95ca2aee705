import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export type Labels = Record<string, string>;
interface SecretKey {
  name: string;
  key: string;
  optional?: boolean;
}
interface Probe {
  httpGet?: { path: string };
  exec?: { command: string[] };
}
export interface Container {
  name: string;
  image: string;
  envFrom?: { prefix?: string; configMapRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef?: SecretKey } }[];
  resources: Record<'requests' | 'limits', object>;
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
  lifecycle: { preStop: { sleep: { seconds: number } } };
  securityContext: object;
}
export interface Pod {
  containers: Container[];
  terminationGracePeriodSeconds: number;
  topologySpreadConstraints: { topologyKey: string; labelSelector: { matchLabels: Labels } }[];
}
interface Selector {
  matchLabels?: Labels;
}
export interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
}
export interface Rule {
  to?: Peer[];
  from?: Peer[];
  ports?: { port: number }[];
}

/** What the tests look at, of whichever kind; the schemas know the rest. */
interface Spec {
  template: { metadata: { labels?: Labels; annotations?: Labels }; spec: Pod };
  selector: Selector;
  clusterIP?: string;
  scaleTargetRef: { name: string };
  minReplicas?: number;
  maxReplicas?: number;
  minReplicaCount?: number;
  maxReplicaCount?: number;
  triggers: { type: string; metadata: Record<string, string> }[];
  secretTargetRef: { name: string }[];
  podSelector: Selector;
  ingress?: Rule[];
  egress?: Rule[];
  type?: string;
  ports: object[];
  name: string;
  owner: string;
  managed: { roles: { name: string; passwordSecret: { name: string }; inRoles?: string[] }[] };
  postgresql: { parameters: Record<string, string>; pg_hba: string[] };
}
export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels };
  data?: Record<string, string>;
  spec: Spec;
}
interface Target {
  kind: string;
  labelSelector: string;
}
interface Kustomization {
  labels?: { pairs: Labels }[];
  resources?: string[];
  patches?: { path?: string; patch?: string; target: Target }[];
  configMapGenerator?: {
    name: string;
    behavior?: 'merge';
    envs?: string[];
    literals?: string[];
    files?: string[];
  }[];
  components?: string[];
  images?: { name: string; newName?: string; newTag?: string }[];
}

/**
 * What Kustomize makes of a folder, as far as our files use it, so that they can be tested where it is not installed. Names
 * are without hashes and namespaces. Where Kustomize is there, a test compares the two.
 */
export const render = (folder: string): Resource[] => renderOver([], folder);

/** The same over what there is already, as Kustomize does it with a component. */
function renderOver(base: Resource[], folder: string): Resource[] {
  const file = (name: string) => readFileSync(join(folder, name), 'utf8');
  const kustomization = parse(file('kustomization.yaml')) as Kustomization;
  const own = (kustomization.resources ?? []).flatMap((name) =>
    name.endsWith('.yaml')
      ? parseAllDocuments(file(name)).map((document) => document.toJS() as Resource)
      : render(join(folder, name)),
  );
  const resources = (kustomization.components ?? []).reduce(
    (all, name) => renderOver(all, join(folder, name)),
    [...base, ...own],
  );
  for (const { name, behavior, envs = [], literals = [], files = [] } of kustomization.configMapGenerator ?? []) {
    const lines = [...envs.flatMap((env) => file(env).split('\n')), ...literals];
    const data = {
      ...Object.fromEntries(lines.filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s).slice(0, 2))),
      ...Object.fromEntries(files.map((one) => [basename(one), file(one)])),
    } as Record<string, string>;
    if (behavior === 'merge') Object.assign(find(resources, 'ConfigMap', name).data!, data);
    else resources.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data } as Resource);
  }
  for (const { path, target } of kustomization.patches ?? []) {
    if (path === undefined) continue; // `withComponent` knows those
    const { spec } = parse(file(path)) as Resource;
    for (const resource of resources.filter((one) => isTarget(one, target))) {
      resource.spec = merge(resource.spec, spec) as Spec;
    }
  }
  for (const resource of resources) {
    const template = templateOf(resource);
    for (const { pairs } of kustomization.labels ?? []) {
      resource.metadata.labels = { ...resource.metadata.labels, ...pairs };
      if (template) template.metadata.labels = { ...template.metadata.labels, ...pairs };
    }
    for (const container of template?.spec.containers ?? []) {
      const [name, tag] = container.image.split(':') as [string, string?];
      const image = kustomization.images?.find((one) => one.name === name);
      if (image) container.image = `${image.newName ?? name}:${image.newTag ?? tag}`;
    }
  }
  return resources;
}

/** What an overlay becomes that has the component as well, whose patches delete. */
export function withComponent(overlay: Resource[], folder: string): Resource[] {
  const { patches = [] } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Kustomization;
  const kept = overlay.filter(
    (one) => !patches.some(({ patch, target }) => patch?.startsWith('$patch: delete\n') && isTarget(one, target)),
  );
  return [...kept, ...render(folder)];
}

function isTarget({ kind, metadata }: Resource, target: Target): boolean {
  const [label, value] = target.labelSelector.split('=') as [string, string];
  return kind === target.kind && metadata.labels?.[label] === value;
}

export function find(resources: Resource[], kind: string, name: string): Resource {
  const found = resources.find((one) => one.kind === kind && one.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** Of what makes pods; undefined of anything else. */
export const templateOf = ({ kind, spec }: Resource) =>
  ['Deployment', 'Job'].includes(kind) ? spec.template : undefined;

export const ofKind = (resources: Resource[], kind: string): Resource[] => resources.filter((one) => one.kind === kind);

/** A strategic merge: maps by key, lists of named things by name (those of the patch first), anything else is replaced. */
function merge(base: unknown, patch: unknown): unknown {
  if (isNamedList(base) && isNamedList(patch)) {
    const added = patch.filter(({ name }) => !base.some((one) => one.name === name));
    return [...added, ...base.map((one) => merge(one, patch.find(({ name }) => name === one.name) ?? {}))];
  }
  if (!isMap(base) || !isMap(patch)) return patch;
  const keys = new Set([...Object.keys(base), ...Object.keys(patch)]);
  return Object.fromEntries(
    [...keys].map((key) => [key, key in patch ? (key in base ? merge(base[key], patch[key]) : patch[key]) : base[key]]),
  );
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNamedList = (value: unknown): value is { name: string }[] =>
  Array.isArray(value) && value.every((one) => isMap(one) && typeof one.name === 'string');
