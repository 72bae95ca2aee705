import type { z } from 'zod';

/**
 * What is wrong with an input, for people who know neither the schema nor its language: what it must be. For the parsing of what
 * comes from outside; where it has no words, and where a schema has its own, those stand.
 */
export const inWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type')
    return issue.input === undefined ? missing : `must be ${kinds[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return issue.input === undefined ? missing : `must be ${oneOf(issue.values)}`;
  if (issue.code === 'too_small')
    return sized(issue.origin, `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`);
  if (issue.code === 'too_big')
    return sized(issue.origin, `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`);
  return issue.code === 'invalid_format' && issue.format === 'url' ? 'must be a URL' : undefined;
};

const missing = 'is missing';

const kinds: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

const units: Readonly<Record<string, string>> = { string: 'characters', array: 'entries' };

const sized = (origin: string, size: string): string =>
  units[origin] === undefined ? `must be ${size}` : `must have ${size} ${units[origin]}`;

const oneOf = (values: z.core.$ZodIssueInvalidValue['values']): string =>
  `${values.length > 1 ? 'one of ' : ''}${values.map(String).join(', ')}`;
