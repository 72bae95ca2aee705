export const stages = ['lint', 'unit', 'int', 'e2e'] as const;
export type Stage = (typeof stages)[number];

export const usage = `usage: npm test [-- [lint|unit|int|e2e] [PATTERN] [options of Jest]]

  npm test                      everything: format, lint and types, then the unit, integration and end-to-end tests
  npm test -- unit              one kind
  npm test -- int inventory     the tests of one kind whose path has that pattern
  npm test -- hold -t refused   the tests of all kinds by path and by name

The servers that tests need are started for them, and stopped.`;

/** The first argument may name one stage; everything else goes to Jest. */
export function parseTestArguments(argv: string[]): { stages: Stage[]; jestArguments: string[] } {
  const [first, ...rest] = argv;
  const stage = stages.find((one) => one === first);
  if (stage) return { stages: [stage], jestArguments: rest };
  // A pattern or a name is about tests, not about the checks of the code.
  return { stages: argv.length > 0 ? ['unit', 'int', 'e2e'] : [...stages], jestArguments: argv };
}
