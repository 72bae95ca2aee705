import type { CommonConfig } from '../config.ts';
import type { Service } from './assembly.ts';
import type { ServiceDefinition } from './definition.ts';

/** A service that needs nothing but what every service has. */
export const serviceWithoutDatabase = <Config extends CommonConfig>({
  name,
  build,
}: ServiceDefinition<Config>): Service<Config> => ({
  name,
  async assemble({ kernel, openTokens, opened }) {
    const parts = await build({ ...kernel, tokens: openTokens() });
    if (parts.close) opened.defer(parts.close);
    return { parts };
  },
});
