import { z } from 'zod';
import { readEnvironment } from '../config.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';

const environment = z.record(z.string(), z.string());
const ofEach = Object.fromEntries(serviceNames.map((name) => [name, environment])) as Record<
  ServiceName,
  typeof environment
>;
const schema = z.looseObject({
  SERVICE_ENVIRONMENTS: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('is not JSON');
        return z.NEVER;
      }
    })
    .pipe(z.strictObject(ofEach))
    .describe('settings of each service, by its name, as JSON; what they share may stand in the environment itself'),
});

/**
 * The environment of each service of a process that holds all of them: that of the process, with what SERVICE_ENVIRONMENTS has
 * for this one. Prints what is wrong with that and exits with 78. It is not on the command line, for secrets stand in it.
 */
export function readServiceEnvironments(env?: NodeJS.ProcessEnv): Record<ServiceName, NodeJS.ProcessEnv> {
  const { SERVICE_ENVIRONMENTS: own, ...common } = readEnvironment(schema, env);
  return Object.fromEntries(
    serviceNames.map((name) => [name, { ...common, ...own[name] } as NodeJS.ProcessEnv]),
  ) as Record<ServiceName, NodeJS.ProcessEnv>;
}
