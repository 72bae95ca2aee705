import { z } from 'zod';

/** Settings whose values are shown to nobody: addresses have passwords in them. */
const isSecret = (name: string): boolean => /(_URL|_ENDPOINT|_HEADERS|_SECRET|_TOKEN|PASSWORD|_KEYS?)$/.test(name);

const shownMax = 60;

/** What is wrong with a setting, in one line: its name, what is allowed, and what was given, unless that is secret. */
export function settingProblem(issue: z.core.$ZodIssue, schema: z.ZodType, env: NodeJS.ProcessEnv): string {
  const name = issue.path.join('.');
  const given = env[name];
  if (given === undefined) return `${name}: ${issue.message}`;
  const own = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType | undefined>)[name] : undefined;
  const range = own === undefined || issue.code === 'custom' ? undefined : rangeOf(own);
  const wrong = range === undefined ? issue.message : `must be ${range}`;
  return `${name}: ${wrong}${isSecret(name) ? '' : `, not ${JSON.stringify(given.slice(0, shownMax))}`}`;
}

/** All numbers that a setting may be, in words; undefined where it is no number. */
function rangeOf(schema: z.ZodType): string | undefined {
  const { type, minimum = -Infinity, maximum = Infinity } = z.toJSONSchema(schema, { unrepresentable: 'any' });
  if (type !== 'integer' && type !== 'number') return undefined;
  const what = type === 'integer' ? 'a whole number' : 'a number';
  // A whole number has these bounds where it has no others.
  const [least, most] = [minimum > Number.MIN_SAFE_INTEGER, maximum < Number.MAX_SAFE_INTEGER];
  if (least && most) return `${what} from ${minimum} to ${maximum}`;
  return `${what}${least ? `, ${minimum} at least` : ''}${most ? `, ${maximum} at most` : ''}`;
}
