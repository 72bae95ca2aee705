import { z } from 'zod';
import {
  exitUnusable,
  readEnvironment,
  UnusableConfiguration,
  type CommonConfig,
  type EnvironmentOf,
} from '../config.ts';
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

export type ReadConfig = (...from: EnvironmentOf) => CommonConfig;

/**
 * The configuration of each service of a process that holds all of them. Its environment is that of the process, with what
 * SERVICE_ENVIRONMENTS has for this one: that is not on the command line, for secrets stand in it. Says what is wrong with any
 * of them, of all at once, and exits with 78.
 */
export function readConfigs(readers: Record<ServiceName, ReadConfig>): Record<ServiceName, CommonConfig> {
  const { SERVICE_ENVIRONMENTS: own, ...common } = readEnvironment(schema);
  const problems: UnusableConfiguration[] = [];
  const configs: Partial<Record<ServiceName, CommonConfig>> = {};
  for (const name of serviceNames) {
    try {
      configs[name] = readers[name]({ ...common, ...own[name] } as NodeJS.ProcessEnv, name);
    } catch (error) {
      if (!(error instanceof UnusableConfiguration)) throw error;
      problems.push(error);
    }
  }
  if (problems.length > 0) exitUnusable(...problems);
  return configs as Record<ServiceName, CommonConfig>;
}
