/** `npm run audit`: proves on the running stack that nothing is oversold, lost or charged twice. */
import { readEnvironment } from '@flash-sale/shared/config.ts';
import { UsageError } from '../launcher/arguments.ts';
import { NotRunning } from '../launcher/running-stack.ts';
import { parseArguments, usage } from './arguments.ts';
import { runAudit } from './audit.ts';
import { environmentSchema } from './stack-environment.ts';
import { findStack } from './stack-file.ts';
import { exitCodes, lineOf, verdictOf } from './table.ts';

const cannotTell = 2;
const sayEveryMs = 2_000;
let saidAtMs = -Infinity;

try {
  const { stackFile, fromEnvironment, quietWithinMs } = parseArguments(process.argv.slice(2));
  const report = await runAudit({
    stack: fromEnvironment ? readEnvironment(environmentSchema) : findStack(stackFile),
    quietWithinMs,
    onCheck: (check) => console.log(lineOf(check)),
    onWait: sayNowAndThen,
  });
  (report.verdict === 'passed' ? console.log : console.error)(`\n${verdictOf(report)}`);
  process.exit(exitCodes[report.verdict]);
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${usage}`);
  else console.error(error instanceof NotRunning ? error.message : error);
  process.exit(cannotTell);
}

function sayNowAndThen(what: string): void {
  if (performance.now() - saidAtMs < sayEveryMs) return;
  saidAtMs = performance.now();
  console.log(`  … still under way: ${what}`);
}
