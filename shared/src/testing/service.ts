import type { z } from 'zod';

/** A complete environment for a service under test; everything else keeps its default. */
export function testEnvironment(overrides: Record<string, string> = {}): Record<string, string> {
  const nobody = 'http://127.0.0.1:9';
  return {
    SERVICE_INSTANCE: 'test',
    PORT: '0',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none',
    MIGRATION_DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none',
    REDIS_URL: process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:9',
    INTERNAL_URL: nobody,
    INTERNAL_TOKEN: 'internal-token-of-the-tests-0123456789',
    JWT_SECRET: 'jwt-secret-of-the-tests-0123456789-0123456789',
    ORDER_ID_SECRET: 'order-id-secret-of-the-tests-0123456789',
    LOG_LEVEL: 'silent',
    DRAIN_IDLE_MS: '20',
    DRAIN_TIMEOUT_MS: '2000',
    ...overrides,
  };
}

/** A service's configuration for tests, parsed by its own schema. @throws ZodError */
export const testConfig = <T extends z.ZodType>(schema: T, overrides: Record<string, string> = {}): z.output<T> =>
  schema.parse(testEnvironment(overrides));

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface CallOptions {
  /** Sent as JSON; a string is sent as it stands. */
  body?: unknown;
  token?: string;
  headers?: Record<string, string>;
}

/** A tiny JSON client: `call('POST', '/api/carts', {token})`. An answer without JSON has an undefined body. */
export const jsonClient =
  (baseUrl: string) =>
  async <Body = Record<string, unknown>>(
    method: string,
    path: string,
    options: CallOptions = {},
  ): Promise<Answer<Body>> => {
    const { body, token, headers = {} } = options;
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : undefined) as Body,
    };
  };
