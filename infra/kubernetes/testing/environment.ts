import { find, type Container, type Pod, type Resource } from './render.ts';

/** In place of what only a cluster knows. */
const unknown = 'x'.repeat(64);

/**
 * The environment that Kubernetes gives a container, where every required secret is a row of x and no optional one exists. As
 * there, `$(NAME)` stands for a variable that comes before; a later one throws. `partsOfOthers` are those so used.
 */
export function environmentOf(container: Container, resources: Resource[]) {
  const values: Record<string, string> = {};
  const partsOfOthers = new Set<string>();
  for (const { prefix = '', configMapRef } of container.envFrom ?? []) {
    const { data } = find(resources, 'ConfigMap', configMapRef.name);
    for (const [name, value] of Object.entries(data!)) values[prefix + name] = value;
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom?.secretKeyRef?.optional) continue;
    values[name] = (value ?? unknown).replaceAll(/\$\((\w+)\)/g, (_, other: string) => {
      if (values[other] === undefined) throw new Error(`${name} uses ${other}, which comes later or never`);
      partsOfOthers.add(other);
      return values[other];
    });
  }
  return { values, partsOfOthers };
}

/** Whom the URLs lead to, as host:port, each once. */
export function hostsOf(values: Record<string, string>): string[] {
  const urls = Object.entries(values).filter(([name]) => name.endsWith('_URL'));
  // Under a scheme that the parser has no default port for, so that it keeps each.
  return [...new Set(urls.map(([, url]) => new URL(url.replace(/^\w+:/, 'any:')).host))];
}

export function secretsOf(pod: Pod) {
  return pod.containers.flatMap(({ env = [] }) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []));
}
