/** `npm run heal`: how long shoppers notice what breaks, fault by fault, on a stack that runs. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOrExit } from '../infra/command-line.ts';
import { defaultDataDir, findRunningStack, NotRunning } from '../infra/launcher/running-stack.ts';
import { parseHealArguments, usage } from './healing/arguments.ts';
import { faultsOf } from './healing/faults.ts';
import { Breaker, type Healing } from './healing/measure.ts';

const { stackFile, kinds, json } = argumentsOrExit(parseHealArguments, usage);
try {
  const file = stackFile ?? join(defaultDataDir, 'run/stack.json');
  const { stack, processes } = findRunningStack(join(file, '../..'));
  const breaker = new Breaker(file);
  await breaker.prepare();
  const healings: Healing[] = [];
  console.log(
    `${stack} stack; times in ms from the fault on\n${row('', 'ready', 'answer', 'purchase', 'longest look', 'refused')}`,
  );
  for (const fault of faultsOf(processes, kinds)) {
    const healing = await breaker.measure(fault);
    healings.push(healing);
    console.log(lineOf(healing));
  }
  if (json !== undefined) await writeFile(json, JSON.stringify({ stack, healings }, null, 2) + '\n');
} catch (error) {
  if (!(error instanceof NotRunning)) throw error;
  console.error(error.message);
  process.exit(2);
}

function lineOf(healing: Healing): string {
  const { title, readyMs, answerMs, answer, purchaseMs, longestLookMs, looks, refusedLooks, refusedSteps } = healing;
  const refused = `  ${refusedLooks} of ${looks} looks, ${refusedSteps} steps`;
  const ready = readyMs === undefined ? 'never' : round(readyMs);
  return row(title, ready, `${round(answerMs)} (${answer})`, round(purchaseMs), round(longestLookMs), refused);
}

function round(ms: number): string {
  return ms.toFixed(0);
}

function row(title: string, ...cells: string[]): string {
  return [title.padEnd(70), ...cells.map((cell) => cell.padStart(16))].join('');
}
