export const stages = ['lint', 'unit', 'int', 'e2e'] as const;
export type Stage = (typeof stages)[number];

/** The first argument may name one stage; everything else goes to Jest. */
export function parseTestArguments(argv: string[]): { stages: Stage[]; jestArguments: string[] } {
  const [first, ...rest] = argv;
  const stage = stages.find((one) => one === first);
  if (stage) return { stages: [stage], jestArguments: rest };
  // A pattern or a name is about tests, not about the checks of the code.
  return { stages: argv.length > 0 ? ['unit', 'int', 'e2e'] : [...stages], jestArguments: argv };
}
