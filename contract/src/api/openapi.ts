import { componentSchemas, inlineSchema, reference, type JsonSchema } from './json-schema.ts';
import { commonProblems, isCommon, problemInfo, problemsOf, tags } from './operation.ts';
import type { Answer, HeaderName, Operation, Parameter, ProblemCode } from './operation.ts';
import { operations } from './operations/index.ts';
import { introduction } from './introduction.ts';
import { problem } from './schemas.ts';

export interface OpenApiDocument {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, JsonSchema>>;
  [part: string]: unknown;
}

const headers: Record<HeaderName, { description: string; schema: JsonSchema }> = {
  Location: { description: 'Where it can be read.', schema: { type: 'string', format: 'uri-reference' } },
  ETag: { description: 'Changes with the product and its stock.', schema: { type: 'string' } },
  Allow: { description: 'The methods to which the address answers.', schema: { type: 'string' } },
  'Retry-After': { description: 'Try again after so many seconds.', schema: { type: 'integer', minimum: 1 } },
  'WWW-Authenticate': { description: 'What is asked for.', schema: { type: 'string', const: 'Bearer' } },
};

/** The public API as an OpenAPI 3.1 document, made from the schemas by which the services parse. */
export function openApiDocument(): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: { title: 'Flash sale', version: '1', description: introduction, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/', description: 'The shop that serves this page' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: pathsOf(operations),
    components: {
      schemas: componentSchemas(),
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      headers,
      responses: commonResponses(),
    },
  } as OpenApiDocument;
}

function pathsOf(all: readonly Operation[]): OpenApiDocument['paths'] {
  const paths: OpenApiDocument['paths'] = {};
  for (const operation of all) (paths[operation.path] ??= {})[operation.method] = operationObject(operation);
  return paths;
}

function operationObject(operation: Operation): JsonSchema {
  const { id, tag, summary, description, auth, parameters, body } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description ? { description } : {}),
    security: auth === 'anybody' ? [] : [{ bearer: [] }],
    ...(parameters ? { parameters: parameters.map(parameterObject) } : {}),
    ...(body
      ? {
          requestBody: {
            required: body.required,
            content: {
              'application/json': { schema: reference(body.schema), examples: examplesObject(body.examples) },
            },
          },
        }
      : {}),
    responses: responsesOf(operation),
  };
}

function parameterObject({ schema, ...parameter }: Parameter): JsonSchema {
  return { ...parameter, schema: inlineSchema(schema) };
}

function responsesOf(operation: Operation): JsonSchema {
  const codes = Map.groupBy(problemsOf(operation), (code) => problemInfo(code).status);
  const responses: Record<string, JsonSchema> = {};
  for (const [status, all] of codes) {
    responses[status] = all.every(isCommon) ? { $ref: `#/components/responses/${status}` } : problemResponse(all);
  }
  for (const [status, answer] of Object.entries(operation.answers)) {
    if (answer) responses[status] = answerResponse(answer, codes.get(Number(status)) ?? []);
  }
  return responses;
}

function answerResponse(answer: Answer, problems: ProblemCode[]): JsonSchema {
  const { description, body, headers: names = [], examples, links } = answer;
  const content = {
    ...(body
      ? { 'application/json': { schema: reference(body), ...(examples ? { examples: examplesObject(examples) } : {}) } }
      : {}),
    ...(problems.length > 0 ? problemContent(problems) : {}),
  };
  return {
    description,
    ...(names.length > 0 ? { headers: headersObject(names) } : {}),
    ...(Object.keys(content).length > 0 ? { content } : {}),
    ...(links ? { links } : {}),
  };
}

/** One response for all problems of one status. */
function problemResponse(codes: ProblemCode[]): JsonSchema {
  const names = headersOfProblems(codes);
  const described = codes.map((code) => `- \`${problemInfo(code).type}\`: ${problemInfo(code).title}`);
  return {
    description: described.join('\n'),
    ...(names.length > 0 ? { headers: headersObject(names) } : {}),
    content: problemContent(codes),
  };
}

export function headersOfProblems(codes: readonly ProblemCode[]): HeaderName[] {
  if (codes.includes('unauthenticated')) return ['WWW-Authenticate'];
  if (codes.includes('method-not-allowed')) return ['Allow'];
  const status = codes[0] && problemInfo(codes[0]).status;
  return status !== undefined && [429, 502, 503, 504].includes(status) ? ['Retry-After'] : [];
}

function problemContent(codes: ProblemCode[]): JsonSchema {
  const infos = codes.map(problemInfo);
  const types = [...new Set(infos.map(({ type }) => `/problems/${type}`))];
  const examples = infos.map(({ type, title, status }) => [
    type,
    { type: `/problems/${type}`, title, status, detail: `${title}.` },
  ]);
  return {
    'application/problem+json': {
      schema: { allOf: [reference(problem), { properties: { type: { enum: types } } }] },
      examples: examplesObject(Object.fromEntries(examples) as Record<string, unknown>),
    },
  };
}

/** What any request may meet, told once. */
function commonResponses(): Record<string, JsonSchema> {
  const byStatus = Map.groupBy(commonProblems, (code) => problemInfo(code).status);
  return Object.fromEntries([...byStatus].map(([status, codes]) => [String(status), problemResponse(codes)]));
}

const headersObject = (names: HeaderName[]): JsonSchema =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const examplesObject = (examples: Record<string, unknown>): JsonSchema =>
  Object.fromEntries(
    Object.entries(examples).map(([name, value]) => [name.replaceAll(' ', '-'), { summary: name, value }]),
  );
