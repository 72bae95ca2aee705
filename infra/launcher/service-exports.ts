import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';

/** What a service exports by this name from the module at this path in its folder. @throws when it does not */
export async function exportOf<Value>(service: ServiceName, path: string, name: string): Promise<Value> {
  const module = (await import(`../../services/${service}/${path}`)) as Record<string, Value>;
  if (!(name in module)) throw new Error(`services/${service}/${path} exports no ${name}`);
  return module[name]!;
}

/** The same of every service, or of those that are given. */
export async function exportOfEach<Value>(
  path: string,
  name: string,
  of: readonly ServiceName[] = serviceNames,
): Promise<Record<ServiceName, Value>> {
  const found = of.map(async (service) => [service, await exportOf<Value>(service, path, name)] as const);
  return Object.fromEntries(await Promise.all(found)) as Record<ServiceName, Value>;
}
