import { join } from 'node:path';

/** Where what was measured is kept, by when it began. */
export function resultsFolder(startedAt: string): string {
  return join(import.meta.dirname, '..', 'results', startedAt.replaceAll(/[:.]/g, '-'));
}
