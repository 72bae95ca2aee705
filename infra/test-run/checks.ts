import type { Cleanup } from './cleanup.ts';
import { runTool } from './tool.ts';
import { add, nothingRun, type Totals } from './totals.ts';

const checks = [
  {
    name: 'format',
    script: 'node_modules/prettier/bin/prettier.cjs',
    args: ['--check', '.', '--log-level=warn', '--cache', '--cache-location=.local/cache/prettier'],
    remedy: 'npm run format',
  },
  {
    name: 'lint',
    script: 'node_modules/eslint/bin/eslint.js',
    args: ['.', '--max-warnings=0'], // no cache: rules that know types judge a file by others, which may have changed
    remedy: undefined,
  },
  { name: 'types', script: 'node_modules/typescript/bin/tsc', args: ['--noEmit'], remedy: undefined },
];

/** Format, lint and types, side by side; each counts as one. */
export async function runChecks(root: string, cleanup: Cleanup): Promise<Totals> {
  const results = checks.map(async ({ name, script, args, remedy }): Promise<Totals> => {
    const startedAt = Date.now();
    const { code, output } = await runTool({ root, script, args, cleanup, capture: true });
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
    if (code !== 0) console.log([output, ...(remedy ? [`to mend it: ${remedy}`] : [])].join('\n'));
    return code === 0 ? { ...nothingRun, passed: 1 } : { ...nothingRun, failed: 1, failures: [name] };
  });
  return (await Promise.all(results)).reduce(add);
}
