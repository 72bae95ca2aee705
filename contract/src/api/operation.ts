import type { z } from 'zod';
import { errorTable, type ErrorCode } from '../errors.ts';

/** What nginx answers by itself: its own problems, besides those of the services. */
const edgeProblems = {
  'uri-too-long': { status: 414, type: 'headers-too-large', title: 'The address of the request is too long' },
  'bad-gateway': { status: 502, type: 'bad-gateway', title: 'The service did not answer' },
  'gateway-timeout': { status: 504, type: 'gateway-timeout', title: 'The service took too long to answer' },
} as const;

export type ProblemCode = ErrorCode | keyof typeof edgeProblems;

/** The status, the last part of `type`, and what it means. */
export function problemInfo(code: ProblemCode): { status: number; type: string; title: string } {
  if (code in edgeProblems) return edgeProblems[code as keyof typeof edgeProblems];
  const { status, title } = errorTable[code as ErrorCode];
  return { status, type: code, title };
}

export type HeaderName = 'Location' | 'ETag' | 'Allow' | 'Retry-After' | 'WWW-Authenticate';

/** What can be called next with what an answer holds: runtime expressions of OpenAPI stand for its parts. */
export interface Link {
  operationId: string;
  description: string;
  parameters?: Record<string, string>;
  requestBody?: Record<string, unknown>;
}

/** An answer that is no problem. */
export interface Answer {
  description: string;
  /** Without it the answer has no body. */
  body?: z.ZodType;
  headers?: HeaderName[];
  /** Named bodies that a newcomer may see. */
  examples?: Record<string, unknown>;
  /** By names of their own. */
  links?: Record<string, Link>;
}

export interface Parameter {
  in: 'path' | 'query' | 'header';
  name: string;
  required: boolean;
  description: string;
  schema: z.ZodType;
  example?: unknown;
}

export const tags = {
  Accounts: 'Register, log in, and stay logged in.',
  Catalogue: 'What is for sale, and how much of it is left.',
  Carts: 'What to reserve together: all of it is held, or nothing.',
  Reservations: 'Units that are held for you for a short time.',
  Orders: 'What you are buying or have bought. An order comes into being with its reservation.',
  Payments: 'Pay an order, with the test tokens of the built-in gateway.',
  Operations: 'For those who run the shop.',
} as const;

/** One public operation: the document and the check of real answers are both made from it. */
export interface Operation {
  id: string;
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With parameters in braces, as in `/api/carts/{id}`. */
  path: string;
  tag: keyof typeof tags;
  summary: string;
  description?: string;
  /** Who may call it. */
  auth: 'anybody' | 'user' | 'admin';
  parameters?: Parameter[];
  body?: { schema: z.ZodType; required: boolean; examples: Record<string, unknown> };
  answers: Partial<Record<number, Answer>>;
  /** Its own problems; those that any request may meet come on top. */
  problems: readonly ProblemCode[];
}

/** What any request may meet. */
export const commonProblems = [
  'bad-request',
  'malformed-json',
  'method-not-allowed',
  'request-timeout',
  'payload-too-large',
  'unsupported-media-type',
  'uri-too-long',
  'headers-too-large',
  'internal',
  'unavailable',
  'overloaded',
  'bad-gateway',
  'gateway-timeout',
] as const satisfies ProblemCode[];

/** Every problem that may be answered, its own ones first. */
export function problemsOf({ auth, body, problems }: Operation): ProblemCode[] {
  const byAuth: Record<Operation['auth'], ProblemCode[]> = {
    anybody: [],
    user: ['unauthenticated'],
    admin: ['unauthenticated', 'forbidden'],
  };
  return [...new Set([...problems, ...(body ? (['invalid-input'] as const) : []), ...byAuth[auth], ...commonProblems])];
}

export const isCommon = (code: ProblemCode): boolean => (commonProblems as readonly ProblemCode[]).includes(code);
