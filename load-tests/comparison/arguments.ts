import { namesAndOptionsIn, UsageError } from '../../infra/command-line.ts';
import { allChoices, choiceNamed, flag, nameOf, several, text } from '../lib/options.ts';
import { expectedSeconds, fullPlan, quickPlan, type Plan } from './plan.ts';
import { timeLeft } from './progress.ts';
import { studied } from './study.ts';

export interface CompareArguments {
  plan: Plan;
  /** A folder with kept results to publish instead of measuring. */
  publish: string | undefined;
}

const all = allChoices.map(nameOf);
const lasts = (plan: Plan) => timeLeft(expectedSeconds(plan));

export const usage = `usage: npm run compare [-- STACK[:LAYOUT]… | --all] [--quick]
       npm run compare -- --publish DIR

Measures stacks in turns and writes a report to load-tests/results/<time>/. Without arguments ${studied.join(' and ')}: about ${lasts(fullPlan(studied))}.

  STACK[:LAYOUT]  two or more of ${all.join(', ')}; each may also be given by --stack
  --all           every stack in every layout: about ${lasts(fullPlan(all))}
  --quick         one short run of each, ${lasts(quickPlan(studied))} for two: a look, no figures
  --publish DIR   measures nothing: writes the results in DIR to docs/comparison.md and to the README's table

Exit code: 0 measured and all well, 1 something failed or is missing (the report says what), 2 the arguments are wrong,
130 ended by Ctrl-C. What was measured is kept in any case.`;

/** @throws UsageError */
export function parseArguments(argv: string[]): CompareArguments {
  const given = namesAndOptionsIn(argv, { all: flag, quick: flag, publish: text, stack: several });
  const { values } = given;
  const names = [...given.names, ...(values.stack ?? [])];
  const { quick = false, publish } = values;
  if (publish !== undefined && (quick || values.all || names.length > 0))
    throw new UsageError('what is published was measured before: nothing else goes with --publish');
  if (values.all && names.length > 0) throw new UsageError('--all are all stacks: name none beside it');
  const named = names.map((name) => nameOf(choiceNamed(name)));
  const chosen = values.all ? all : named.length > 0 ? named : studied;
  if (new Set(chosen).size < chosen.length) throw new UsageError(`a stack is named twice in ${chosen.join(' ')}`);
  if (chosen.length < 2) throw new UsageError('a comparison is of two stacks or more');
  return { plan: quick ? quickPlan(chosen) : fullPlan(chosen), publish };
}
