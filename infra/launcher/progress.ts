/** Says now and then how a long step is getting on. */
export async function withProgress<Result>(
  say: (line: string) => void,
  step: (note: (line: string) => void) => Promise<Result>,
): Promise<Result> {
  const startedAt = Date.now();
  let lastNote = '';
  const ticker = setInterval(() => {
    say(`  … ${Math.round((Date.now() - startedAt) / 1000)} s  ${lastNote.slice(0, 90)}`.trimEnd());
  }, 10_000);
  try {
    return await step((line) => (lastNote = line));
  } finally {
    clearInterval(ticker);
  }
}
