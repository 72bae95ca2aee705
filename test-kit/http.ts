import { checkContract } from './contract.ts';

export interface CallOptions {
  token?: string | undefined;
  /** Sent as JSON; a string or bytes are sent as they are. */
  body?: unknown;
  /** The Idempotency-Key. */
  key?: string | undefined;
  /** Seconds of `Prefer: wait=`. */
  wait?: number | undefined;
  headers?: Record<string, string>;
  /** Longest wait for the answer; over that, the call throws as if the connection had broken. */
  timeoutMs?: number;
  /** The answer may be of another release, whose document we do not have. */
  isOfAnyRelease?: boolean;
}

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

/** No complete answer arrived: whether the request took effect is unknown. */
export class ConnectionLost extends Error {}

const defaultTimeoutMs = 60_000;

/** Sends a request. Its answer must be one that the API documents, unless told otherwise. @throws ConnectionLost, ContractBroken */
export async function send<Body>(
  baseUrl: string,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer<Body>> {
  const { token, body, key, wait, headers = {}, timeoutMs = defaultTimeoutMs } = options;
  const request = {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(wait === undefined ? {} : { prefer: `wait=${wait}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: payloadOf(body) }),
  } satisfies RequestInit;
  const { response, text } = await fetched(baseUrl + path, request).catch((error: Error) => {
    const { message } = (error.cause ?? error) as Error;
    throw new ConnectionLost(`${method} ${path}: ${message}`, { cause: error });
  });
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  const answer = {
    status: response.status,
    headers: response.headers,
    body: (isJson ? JSON.parse(text) : undefined) as Body,
    text,
  };
  if (!options.isOfAnyRelease) checkContract(method, path, answer);
  return answer;
}

async function fetched(url: string, request: RequestInit): Promise<{ response: Response; text: string }> {
  const response = await fetch(url, request);
  return { response, text: await response.text() };
}

const payloadOf = (body: unknown): string | Uint8Array<ArrayBuffer> =>
  typeof body === 'string' || body instanceof Uint8Array
    ? (body as string | Uint8Array<ArrayBuffer>)
    : JSON.stringify(body);

/** The body of an answer that must have this status. @throws with the whole answer otherwise */
export function bodyOf<Body>(answer: Answer<Body>, status: number): Body {
  if (answer.status === status) return answer.body;
  throw new Error(`expected ${status}, but the answer was ${answer.status}: ${answer.text.slice(0, 500)}`);
}
