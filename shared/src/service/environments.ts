import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { z } from 'zod';
import {
  databaseSchema,
  exitUnusable,
  readEnvironment,
  UnusableConfiguration,
  type CommonConfig,
  type EnvironmentOf,
} from '../config.ts';

/** How a setting of one service is called in the environment of a process that holds several: `ORDER__PORT` is the PORT of order. */
export const settingOf = (service: ServiceName, name: string): string => `${service.toUpperCase()}__${name}`;

const ofOneService = /^([A-Z]+)__(.+)$/;

/**
 * The environment of each service of a process that holds all of them: what they share, and over it what is for this one alone,
 * under its own name. None sees what is for another.
 * @throws UnusableConfiguration for a setting of a service that there is not
 */
export function environmentsIn(env: NodeJS.ProcessEnv): Record<ServiceName, NodeJS.ProcessEnv> {
  const common: NodeJS.ProcessEnv = {};
  const own = Object.fromEntries(serviceNames.map((name) => [name, {}])) as Record<ServiceName, NodeJS.ProcessEnv>;
  const problems: string[] = [];
  for (const [key, value] of Object.entries(env)) {
    const [, prefix = '', name = ''] = ofOneService.exec(key) ?? [];
    const service = serviceNames.find((one) => one.toUpperCase() === prefix);
    if (service) own[service][name] = value;
    else if (name in databaseSchema.shape) problems.push(`${key}: there is no service ${prefix.toLowerCase()}`);
    else common[key] = value;
  }
  if (problems.length > 0) throw new UnusableConfiguration(problems);
  const ofEach = serviceNames.map((name) => [name, { ...common, ...own[name] }]);
  return Object.fromEntries(ofEach) as Record<ServiceName, NodeJS.ProcessEnv>;
}

export type ReadConfig = (...from: EnvironmentOf) => CommonConfig;

/**
 * The configuration of each service of a process that holds all of them. Says what is wrong with any of them, of all at once, and
 * exits with 78.
 */
export function readConfigs(readers: Record<ServiceName, ReadConfig>): Record<ServiceName, CommonConfig> {
  const problems: UnusableConfiguration[] = [];
  const attempt = <Value>(read: () => Value): Value | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UnusableConfiguration)) throw error;
      problems.push(error);
      return undefined;
    }
  };
  const environments = attempt(() => environmentsIn(readEnvironment(z.record(z.string(), z.string()))));
  const configs = serviceNames.map((name) => [
    name,
    environments && attempt(() => readers[name](environments[name], name)),
  ]);
  if (problems.length > 0) exitUnusable(...problems);
  return Object.fromEntries(configs) as Record<ServiceName, CommonConfig>;
}
