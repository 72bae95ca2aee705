import { expect } from '@jest/globals';
import type { Answer } from '../http.ts';

/** What a stack trace or an internal message looks like. */
const insides = /\n\s+at |node_modules|\.ts:\d|\.js:\d|\bpg_|SELECT |INSERT |duplicate key|ECONN|postgres/;

/** Expects a problem document with this status and code that reveals nothing internal. */
export function expectProblem(answer: Answer<unknown>, status: number, code: string): void {
  const body = answer.body as { type?: string; status?: number } | undefined;
  expect({ status: answer.status, type: body?.type, text: answer.text }).toEqual({
    status,
    type: `/problems/${code}`,
    text: answer.text,
  });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json\b/);
  expect(body).toMatchObject({
    status,
    title: expect.stringMatching(/\w/) as unknown,
    detail: expect.stringMatching(/\w/) as unknown,
  });
  expect(answer.text).not.toMatch(insides);
  if (status === 503 || status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  if (status === 401 && code === 'unauthenticated') expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
}

/** Counts answers by `status code`. */
export function tally(answers: Answer<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const code = (body as { type?: string } | undefined)?.type?.replace('/problems/', '');
    const name = code ? `${status} ${code}` : String(status);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
