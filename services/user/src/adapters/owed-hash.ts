import { AppError } from '@flash-sale/contract/errors.ts';
import { argon2id, type Derivation } from './argon2.ts';

/** What the process that hashes is asked for, until somebody knows what became of it. */
export class OwedHash {
  readonly of: Derivation;
  /** To how many processes. */
  sent = 0;
  readonly #settled = Promise.withResolvers<Uint8Array>();
  readonly #overdue: NodeJS.Timeout;
  #isComputedHere = false;

  /** @param overdueMs after which a thread of this process computes it, too */
  constructor(of: Derivation, overdueMs: number) {
    this.of = of;
    this.#overdue = setTimeout(() => this.computeHere(), overdueMs).unref();
  }

  /** @throws AppError as `reject` was given it; unavailable when it could not be computed here */
  get hash(): Promise<Uint8Array> {
    return this.#settled.promise;
  }

  /** Nobody waits for the process any more. */
  get isComputedHere(): boolean {
    return this.#isComputedHere;
  }

  computeHere(): void {
    clearTimeout(this.#overdue);
    this.#isComputedHere = true;
    argon2id.derive(this.of).then(
      (hash) => this.resolve(hash),
      (cause: unknown) => this.reject(ended(cause)),
    );
  }

  resolve(hash: Uint8Array): void {
    clearTimeout(this.#overdue);
    this.#settled.resolve(hash);
  }

  reject(error: AppError): void {
    clearTimeout(this.#overdue);
    this.#settled.reject(error);
  }
}

export const ended = (cause?: unknown): AppError =>
  new AppError('unavailable', 'The password could not be checked. Nothing was changed; try again.', { cause });
