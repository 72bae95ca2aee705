import { z } from 'zod';
import { headersOfProblems } from '@flash-sale/contract/api/openapi.ts';
import { problemInfo, problemsOf, type Answer, type Operation } from '@flash-sale/contract/api/operation.ts';
import { operations } from '@flash-sale/contract/api/operations/index.ts';
import * as schemas from '@flash-sale/contract/api/schemas.ts';

/** A service has answered something else than the document says. */
export class ContractBroken extends Error {}

const strictProblem = z.strictObject(schemas.problem.shape);

/**
 * Holds a real answer against the public API's document: status, media type, headers, and the body to the last field.
 * @param method in any case
 * @param pathTemplate as in the document, such as `/api/carts/{id}`
 * @param body the parsed JSON; undefined if there was none
 * @throws ContractBroken
 */
export function checkAnswer(
  method: string,
  pathTemplate: string,
  status: number,
  headers: Headers,
  body: unknown,
): void {
  const operation = operations.find((one) => one.method === method.toLowerCase() && one.path === pathTemplate);
  const fail = (what: string): never => {
    throw new ContractBroken(`${method.toUpperCase()} ${pathTemplate} answered ${status}: ${what}`);
  };
  if (!operation) return fail('the document does not know this operation');
  const mediaType = headers.get('content-type')?.split(';')[0]?.trim();
  const answer = operation.answers[status];
  const wrong =
    mediaType === 'application/problem+json' || !answer
      ? wrongWithProblem(operation, status, mediaType, headers, body)
      : wrongWithAnswer(answer, mediaType, headers, body);
  if (wrong !== undefined) fail(wrong);
}

/** The template of a real path, such as `/api/carts/{id}`; undefined if no operation has it. */
export function templateOf(method: string, path: string): string | undefined {
  const parts = path.split('?', 1)[0]!.split('/');
  const candidates = operations.filter((one) => {
    const template = one.path.split('/');
    const fits = (part: string, index: number) => part.startsWith('{') || part === parts[index];
    return one.method === method.toLowerCase() && template.length === parts.length && template.every(fits);
  });
  // A fixed part is meant rather than a parameter: /api/users/me.
  return candidates.sort((a, b) => a.path.split('{').length - b.path.split('{').length)[0]?.path;
}

function wrongWithAnswer(
  answer: Answer,
  mediaType: string | undefined,
  headers: Headers,
  body: unknown,
): string | undefined {
  const missing = answer.headers?.find((name) => !headers.has(name));
  if (missing) return `without the header ${missing}`;
  if (!answer.body) return body === undefined ? undefined : `with a body: ${JSON.stringify(body)}`;
  if (mediaType !== 'application/json') return `as ${mediaType}`;
  return wrongWithBody(answer.body, body);
}

function wrongWithProblem(
  operation: Operation,
  status: number,
  mediaType: string | undefined,
  headers: Headers,
  body: unknown,
): string | undefined {
  const codes = problemsOf(operation).filter((code) => problemInfo(code).status === status);
  if (codes.length === 0) return `the document does not know this status: ${JSON.stringify(body)}`;
  if (mediaType !== 'application/problem+json') return `as ${mediaType}`;
  const parsed = strictProblem.safeParse(body);
  if (!parsed.success) return wrongWithBody(strictProblem, body);
  const code = codes.find((one) => parsed.data.type === `/problems/${problemInfo(one).type}`);
  if (!code) return `with a problem that the document does not know here: ${parsed.data.type}`;
  if (parsed.data.status !== status) return `with a problem of status ${parsed.data.status}`;
  const missing = headersOfProblems([code]).find((name) => !headers.has(name));
  return missing && `without the header ${missing}`;
}

function wrongWithBody(schema: z.ZodType, body: unknown): string | undefined {
  const parsed = schema.safeParse(body);
  if (parsed.success) return undefined;
  return `${z.prettifyError(parsed.error)}\nin ${JSON.stringify(body)}`;
}
