import { readFile } from 'node:fs/promises';
import type { z } from 'zod';

/** There is no result, or not the whole of one; the message names the file and says what is wrong with it. */
export class UnreadableResult extends Error {}

const maxProblems = 10;
const notThere = 'it is not there. Is its folder one that a measurement has written?';

/** What an earlier run has kept. @throws UnreadableResult, rather than take half a file for a whole one */
export async function readKept<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  what: string,
): Promise<z.output<Schema>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new UnreadableResult(`${file} cannot be read: ${code === 'ENOENT' ? notThere : message}`, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UnreadableResult(`${file} is cut off, or no JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new UnreadableResult(`${file} is no result of ${what}:\n${problems.slice(0, maxProblems).join('\n')}`);
}
