import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../compose-files.ts';

export interface ComposeService {
  extends?: { file?: string; service: string };
  image?: string;
  pull_policy?: string;
  profiles?: string[];
  build?: { target?: string; args?: Record<string, string> };
  environment?: Record<string, string | null>;
  depends_on?: Record<string, { condition: string }>;
  networks?: Record<string, { aliases?: string[]; ipv4_address?: string } | null>;
  extra_hosts?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  command?: string | string[];
  cap_drop?: string[];
  security_opt?: string[];
  logging?: unknown;
  read_only?: boolean;
  configs?: unknown;
  restart?: string;
  stop_grace_period?: string;
  deploy?: { resources: { limits: Record<string, string> } };
}

export interface ComposeFile {
  name: string;
  include?: string[];
  services: Record<string, ComposeService>;
  volumes?: Record<string, unknown>;
  networks?: Record<string, { internal?: boolean }>;
}

const parsed = new Map<string, ComposeFile>();

/** A path from the root of the repository. */
export function readCompose(path: string): ComposeFile {
  const known = parsed.get(path);
  if (known) return known;
  const file = parse(readFileSync(join(root, path), 'utf8'), { merge: true }) as ComposeFile;
  parsed.set(path, file);
  return file;
}

/** All services of a stack as Compose sees them: those of the files it includes as well, with what they extend. */
export function servicesOf(path: string): Record<string, ComposeService> {
  const { include = [], services } = readCompose(path);
  const included = include.map((other) => servicesOf(join(dirname(path), other)));
  const own = Object.keys(services).map((name) => [name, extended(path, name)]);
  return Object.assign({}, ...included, Object.fromEntries(own)) as Record<string, ComposeService>;
}

function extended(path: string, name: string): ComposeService {
  const service = readCompose(path).services[name];
  if (!service) throw new Error(`${path} has no service ${name}`);
  if (!service.extends) return service;
  const { file, service: parent } = service.extends;
  const base = extended(file === undefined ? path : join(dirname(path), file), parent);
  const merged = { ...base, ...service };
  for (const map of ['environment', 'depends_on', 'networks'] as const) {
    if (base[map] || service[map]) Object.assign(merged, { [map]: { ...base[map], ...service[map] } });
  }
  return merged;
}
