import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { layouts, processOfServices, type LayoutName } from '@flash-sale/shared/layouts.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { stacks, type StackName } from '@flash-sale/shared/stacks.ts';

/* Which processes run the services where a machine is not chosen by hand: in containers, and in Kubernetes. */

/** There it is no choice: a container for each instance of a service, but where the stack has it otherwise. */
export const layoutOf = (stack: StackName): LayoutName => stacks[stack].layouts[0];

export interface ProcessOfServices {
  /** The service, or what a process of all of them is called. */
  name: string;
  /** What it holds, with the port of each. */
  holds: { service: ServiceName; port: number }[];
}

const firstPort = 3000;
/** In Compose, of each process; in Kubernetes an autoscaler decides. */
export const instances = [1, 2] as const;

/** Of each of these there are several instances. */
export function processesOf(layout: LayoutName): ProcessOfServices[] {
  if (layouts[layout].together)
    return [
      { name: processOfServices, holds: serviceNames.map((service, index) => ({ service, port: firstPort + index })) },
    ];
  return serviceNames.map((service) => ({ name: service, holds: [{ service, port: firstPort }] }));
}

/** What nginx is told of each service, by the process that holds it and its port there. */
export const serversBy = (stack: StackName, addresses: (process: string, port: number) => string[]) =>
  Object.fromEntries(
    processesOf(layoutOf(stack)).flatMap(({ name, holds }) =>
      holds.map(({ service, port }) => [service, addresses(name, port)]),
    ),
  ) as Record<ServiceName, string[]>;

/** The services that bring demo data. */
export const servicesWithDemo = serviceNames.filter((name) =>
  existsSync(join(import.meta.dirname, '../../services', name, 'src/demo.ts')),
);
