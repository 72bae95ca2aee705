import { stackNames, stacks } from '@flash-sale/shared/stacks.ts';

/**
 * The stacks that there are in containers and in Kubernetes, each with a compose file and an overlay: so far those that run a
 * process for each instance of a service.
 */
export const containerStacks = stackNames.filter((name) => stacks[name].layouts.includes('separate'));
