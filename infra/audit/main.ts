/** `npm run audit`: proves on the running stack that nothing is oversold, lost or charged twice. */
import { readEnvironment } from '@flash-sale/shared/config.ts';
import { argumentsOrExit } from '../command-line.ts';
import { NotRunning } from '../launcher/running-stack.ts';
import { parseArguments, usage } from './arguments.ts';
import { runAudit } from './audit.ts';
import { environmentSchema } from './stack-environment.ts';
import { findStack } from './stack-file.ts';
import { exitCodes, heading, lineOf, verdictOf } from './table.ts';

const cannotTell = 2;
const sayEveryMs = 2_000;
let saidAtMs = -Infinity;

const { stackFile, fromEnvironment, quietWithinMs } = argumentsOrExit(parseArguments, usage);
try {
  const stack = fromEnvironment ? readEnvironment(environmentSchema) : findStack(stackFile);
  console.log(heading);
  const report = await runAudit({
    stack,
    quietWithinMs,
    onCheck: (check) => console.log(lineOf(check)),
    onWait: sayNowAndThen,
  });
  (report.verdict === 'passed' ? console.log : console.error)(`\n${verdictOf(report)}`);
  process.exit(exitCodes[report.verdict]);
} catch (error) {
  console.error(error instanceof NotRunning ? error.message : error);
  process.exit(cannotTell);
}

function sayNowAndThen(what: string): void {
  if (performance.now() - saidAtMs < sayEveryMs) return;
  saidAtMs = performance.now();
  console.log(`  … still under way: ${what}`);
}
