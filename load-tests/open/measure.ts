import { capacityOf, capacityVus, putArrivals } from '../lib/arrivals.ts';
import { runAudit } from '../lib/audit.ts';
import type { BenchStack } from '../lib/bench-stack.ts';
import type { MeasuringRun } from '../lib/run.ts';
import { WarmUp } from '../turns/protocol.ts';
import { alreadyRunning } from '../turns/side.ts';
import type { OpenArguments } from './arguments.ts';
import { levelReport } from './report.ts';
import type { OpenLevel, OpenResult } from './results.ts';

/** The quiet time after the highest level, in which the shop is to come back to normal. */
const afterSeconds = 10;

/**
 * Measures the capacity and then level by level, round after round, and adds to `result` what it finds. The levels of every second
 * round come in the other order, and the capacity is measured anew in each: a machine changes its speed within minutes.
 * Throws when aborted.
 */
export async function measureOpen(
  { levels, rounds, seconds, warmUpSeconds }: OpenArguments,
  stack: BenchStack,
  { say, signal, keep }: Pick<MeasuringRun, 'say' | 'signal'> & { keep: () => void },
  result: OpenResult,
): Promise<void> {
  const warmUp = new WarmUp({ levels: [capacityVus], warmUpSeconds }, say);
  await warmUp.opened(alreadyRunning({ name: stack.name, script: 'checkout.ts', logsIn: true }, stack), stack);
  for (let round = 1; round <= rounds; round++) {
    await warmUp.refreshLogIns({ logsIn: true }, stack);
    const capacity = await capacityOf(stack.target(), seconds);
    await stack.untilAtRest();
    result.capacities.push(capacity);
    say(`\nround ${round}: a closed loop of ${capacityVus} makes ${capacity.toFixed(1)} journeys/s`);
    for (const percent of round % 2 === 1 ? levels : levels.toReversed()) {
      await warmUp.refreshLogIns({ logsIn: true }, stack);
      const rate = Math.max(1, Math.round((capacity * percent) / 100));
      const quiet = { rate: Math.max(1, Math.round((capacity * levels[0]!) / 100)), seconds: afterSeconds };
      const name = `${percent} % × ${seconds} s`;
      const after = percent > 100 && percent === levels.at(-1) ? { after: quiet } : {};
      const level: OpenLevel = {
        round,
        percent,
        ...(await putArrivals(stack.target(), { name, rate, seconds, ...after })),
      };
      result.levels.push(level);
      say(`\n${levelReport(level)}`);
      keep();
      await stack.untilAtRest();
    }
  }
  result.audit = await runAudit(stack.stackFile, signal);
}
