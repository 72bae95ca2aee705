/**
 * The closed set of things that end a request early, and what each means to a client.
 * Expected refusals of the domain (sold out, declined) are outcomes, not exceptions; routes turn them into
 * an AppError only at the very edge, so that every error leaves by the same door.
 */
export const errorTable = {
  'bad-request': { status: 400, level: 'info', title: 'The request cannot be read' },
  'malformed-json': { status: 400, level: 'info', title: 'The body is not valid JSON' },
  'idempotency-key-required': { status: 400, level: 'info', title: 'An Idempotency-Key header is required' },
  unauthenticated: { status: 401, level: 'info', title: 'A valid access token is required' },
  'wrong-credentials': { status: 401, level: 'info', title: 'Email or password is wrong' },
  'refresh-token-invalid': { status: 401, level: 'info', title: 'The refresh token is not valid' },
  'payment-declined': { status: 402, level: 'info', title: 'The payment was declined' },
  forbidden: { status: 403, level: 'info', title: 'Not allowed' },
  'not-found': { status: 404, level: 'info', title: 'Not found' },
  'method-not-allowed': { status: 405, level: 'info', title: 'The address does not answer to this method' },
  'request-timeout': { status: 408, level: 'info', title: 'The request did not arrive in time' },
  'email-taken': { status: 409, level: 'info', title: 'The email address is already registered' },
  'password-too-common': { status: 409, level: 'info', title: 'The password is one that everybody tries first' },
  'sold-out': { status: 409, level: 'info', title: 'Fewer units left than asked for' },
  'limit-exceeded': { status: 409, level: 'info', title: 'More than one shopper may have' },
  'sale-closed': { status: 409, level: 'info', title: 'The sale is not running' },
  'mixed-currencies': { status: 409, level: 'info', title: 'One cart cannot mix currencies' },
  'cart-empty': { status: 409, level: 'info', title: 'The cart is empty' },
  'cart-reserved': { status: 409, level: 'info', title: 'The cart is already reserved' },
  'cart-full': { status: 409, level: 'info', title: 'The cart holds as many lines as it may' },
  'reservation-cancelled': { status: 409, level: 'info', title: 'The reservation was cancelled' },
  'reservation-completed': { status: 409, level: 'info', title: 'The reservation is already bought' },
  'order-not-payable': { status: 409, level: 'info', title: 'The order cannot be paid' },
  'already-paid': { status: 409, level: 'info', title: 'The order is already paid' },
  'product-conflict': { status: 409, level: 'info', title: 'It does not fit the product' },
  'payload-too-large': { status: 413, level: 'info', title: 'The body is too large' },
  'unsupported-media-type': { status: 415, level: 'info', title: 'The body must be application/json' },
  'invalid-input': { status: 422, level: 'info', title: 'The input does not fit' },
  'idempotency-key-reused': { status: 422, level: 'info', title: 'The Idempotency-Key was used for another request' },
  'too-many-requests': { status: 429, level: 'info', title: 'Too many requests' },
  'headers-too-large': { status: 431, level: 'info', title: 'The headers of the request are too large' },
  internal: { status: 500, level: 'error', title: 'Something went wrong on our side' },
  unavailable: { status: 503, level: 'warn', title: 'Temporarily unavailable' },
  overloaded: { status: 503, level: 'warn', title: 'Too busy right now' },
} as const satisfies Record<string, { status: number; level: 'info' | 'warn' | 'error'; title: string }>;

export type ErrorCode = keyof typeof errorTable;

export interface FieldError {
  path: string;
  message: string;
}

/** What ends a request or a batch early; `detail` is shown to the client, the cause only to the log. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    options: { cause?: unknown; errors?: FieldError[]; retryAfterSeconds?: number } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.errors = options.errors;
    this.retryAfterSeconds = options.retryAfterSeconds ?? (errorTable[code].status === 503 ? 1 : undefined);
  }
}

/** Whether this is an answer to what was asked, and not a failure on our side to find one. */
export const isRefusal = (error: unknown): boolean => error instanceof AppError && errorTable[error.code].status < 500;
