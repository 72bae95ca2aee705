import { join } from 'node:path';
import { layouts } from '@flash-sale/shared/layouts.ts';
import { stackNames, type StackName } from '@flash-sale/shared/stacks.ts';
import { withClient } from '../../infra/launcher/databases.ts';
import { openStack } from '../lib/bench-stack.ts';
import { logIn, putLoad } from '../lib/load.ts';
import { usualInstances, usualLayoutOf } from '../lib/options.ts';
import type { MeasuringRun } from '../lib/run.ts';
import { difference, readCounters } from './counters.ts';
import type { StackCosts } from './results.ts';

/** Those that have processes of each service: of others, nobody can tell what a service costs. */
export const measuredStacks = stackNames.filter((stack) => !layouts[usualLayoutOf(stack)].together);

export interface Plan {
  vus: number;
  warmUpSeconds: number;
  seconds: number;
}
export const fullPlan: Plan = { vus: 250, warmUpSeconds: 40, seconds: 60 };
export const quickPlan: Plan = { vus: 50, warmUpSeconds: 5, seconds: 10 };

/**
 * What a checkout costs on a freshly started stack: everything that was used from the first request until the last chain of
 * events has ended, divided by the checkouts. Throws when aborted.
 */
export async function measureCosts(
  stackName: StackName,
  { vus, warmUpSeconds, seconds }: Plan,
  run: MeasuringRun,
): Promise<StackCosts> {
  const choice = { stack: stackName, layout: usualLayoutOf(stackName), instances: usualInstances };
  const context = { ...run, folder: join(run.scratch, stackName), profiles: run.results };
  await using opened = await openStack(choice, context);
  const stack = opened.own!;
  const target = opened.target();
  await logIn(target, vus);
  await putLoad(target, { name: 'warm-up', script: 'checkout.ts', vus, seconds: warmUpSeconds });
  await opened.untilAtRest();
  const before = await readCounters(stack);
  const load = await putLoad(target, { name: 'checkouts', script: 'checkout.ts', vus, seconds });
  const connections = await connectionsOf(stack.databaseUrls.order);
  await opened.untilAtRest();
  const { failed, journeys: checkouts, journeysPerSecond: checkoutsPerSecond, k6CpuSeconds } = load;
  return {
    stack: stackName,
    vus,
    seconds,
    checkouts,
    failed,
    checkoutsPerSecond,
    k6CpuSeconds,
    spent: difference(before, await readCounters(stack)),
    connections,
    instancesPerService: stack.processes.filter(({ service }) => service === 'order').length,
  };
}

/** Of the services alone, not of who looks on. */
async function connectionsOf(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE usename LIKE 'fs\\_%' AND usename <> current_user`,
    );
    return rows[0]!.n;
  });
}
