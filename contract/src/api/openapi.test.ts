import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { Validator } from '@seriousme/openapi-schema-validator';
import { errorTable, type ErrorCode } from '../errors.ts';
import { checkAnswer } from '@flash-sale/shared/testing/contract-check.ts';
import { openApiDocument } from './openapi.ts';
import { problemsOf, type Operation } from './operation.ts';
import { operations } from './operations/index.ts';
import { references, resolveReference } from '@flash-sale/shared/testing/references.ts';

const document = JSON.parse(JSON.stringify(openApiDocument())) as ReturnType<typeof openApiDocument>;
const named = operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const);

const partOf = (value: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .filter(Boolean)
    .reduce((part: unknown, key) => (part as Record<string, unknown> | undefined)?.[key], value);

const requiredOf = (schema: z.ZodType): string[] => (z.toJSONSchema(schema, { io: 'input' }).required ?? []).toSorted();

const resolve = (reference: string) => resolveReference(document, reference);

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document) as Record<string, unknown>)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  test('has no reference that leads nowhere', () => {
    const all = references(document);
    expect(all.length).toBeGreaterThan(50);
    expect(all.filter((reference) => !reference.startsWith('#/') || resolve(reference) === undefined)).toEqual([]);
  });

  test('has every operation of the design once', () => {
    expect(named.map(([name]) => name).sort()).toEqual(
      [
        'post /api/users',
        'post /api/sessions',
        'post /api/sessions/refresh',
        'get /api/users/me',
        'delete /api/users/me',
        'put /api/users/me/password',
        'get /api/sessions',
        'delete /api/sessions/current',
        'delete /api/sessions/{id}',
        'get /api/products',
        'get /api/products/{id}',
        'post /api/products',
        'patch /api/products/{id}',
        'post /api/products/{id}/restock',
        'post /api/carts',
        'get /api/carts/{id}',
        'post /api/carts/{id}/items',
        'delete /api/carts/{id}/items/{productId}',
        'post /api/reservations',
        'get /api/reservations/{id}',
        'delete /api/reservations/{id}',
        'get /api/orders',
        'get /api/orders/{id}',
        'post /api/payments',
        'get /api/payments/{id}',
        'get /healthz',
        'get /readyz',
      ].sort(),
    );
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
  });

  test('links lead to operations that exist, with parts that answers have', () => {
    let links = 0;
    for (const { answers } of operations) {
      for (const answer of Object.values(answers)) {
        for (const link of Object.values(answer?.links ?? {})) {
          links += 1;
          const target = operations.find(({ id }) => id === link.operationId);
          const known = target?.parameters?.map(({ name }) => name) ?? [];
          expect(Object.keys(link.parameters ?? {}).filter((name) => !known.includes(name))).toEqual([]);
          const taken =
            JSON.stringify([link.parameters, link.requestBody]).match(/(?<=\$response\.body#)[\w/]+/g) ?? [];
          for (const pointer of taken) {
            const examples = Object.values(answer?.examples ?? {});
            expect(examples.map((example) => partOf(example, pointer))).not.toContain(undefined);
          }
          if (link.requestBody) {
            expect(Object.keys(link.requestBody).sort()).toEqual(requiredOf(target!.body!.schema));
          }
        }
      }
    }
    expect(links).toBeGreaterThan(20);
  });

  test('every operation with an id in its path can be reached by a link', () => {
    const reached = new Set(
      operations.flatMap(({ answers }) =>
        Object.values(answers).flatMap((answer) => Object.values(answer?.links ?? {}).map((link) => link.operationId)),
      ),
    );
    expect(operations.filter(({ id, path }) => path.includes('{') && !reached.has(id)).map(({ id }) => id)).toEqual([]);
  });

  test('has patterns that every engine reads: no look-around, no \\p, no \\u', () => {
    const patterns = JSON.stringify(document).match(/"pattern":"(?:[^"\\]|\\.)*"/g) ?? [];
    expect(patterns.length).toBeGreaterThan(5);
    expect(patterns.filter((pattern) => /\(\?[=!<]|\\[pPuk]/.test(pattern))).toEqual([]);
  });

  test('tells of every problem that a service may answer', () => {
    const told = new Set<string>(operations.flatMap(problemsOf));
    const all = Object.keys(errorTable) as ErrorCode[];
    expect(all.filter((code) => !told.has(code))).toEqual([]);
  });
});

describe.each(named)('%s', (_name, operation: Operation) => {
  test('declares the parameters of its path', () => {
    const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    expect(inPath.map(({ name }) => `{${name}}`)).toEqual(operation.path.match(/{\w+}/g) ?? []);
    expect(inPath.every(({ required }) => required)).toBe(true);
  });

  test('has examples that fit', () => {
    const { body, answers, method, path, parameters = [] } = operation;
    for (const example of Object.values(body?.examples ?? {})) body!.schema.parse(example);
    for (const { schema, example } of parameters) if (example !== undefined) schema.parse(example);
    for (const [status, answer] of Object.entries(answers)) {
      const headers = new Headers(answer?.body ? { 'content-type': 'application/json' } : {});
      for (const name of answer?.headers ?? []) headers.set(name, '1');
      const examples = answer?.body ? Object.values(answer.examples ?? {}) : [undefined];
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) checkAnswer(method, path, Number(status), headers, example);
    }
  });
});
