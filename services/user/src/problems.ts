import { AppError } from '@flash-sale/contract/errors.ts';

export const emailTaken = (): AppError =>
  new AppError('email-taken', 'There is an account with this email already. Nothing was changed.');

/** For new passwords only: existing accounts with such a password can still log in. */
export function passwordTooCommon(path: string): AppError {
  const errors = [{ path, message: 'is one of the 10,000 that everybody tries first' }];
  return new AppError('password-too-common', 'Choose another password; see errors. Nothing was changed.', { errors });
}

export const wrongCredentials = (): AppError =>
  new AppError('wrong-credentials', 'There is no account with this email and password.');
export const wrongPassword = (): AppError =>
  new AppError('wrong-credentials', 'This is not the password of the account.');

/** The same for all reasons, so that trying stolen tokens reveals nothing. */
export const refreshTokenInvalid = (): AppError =>
  new AppError('refresh-token-invalid', 'The refresh token is not valid any more; log in again.');

export const noAccount = (): AppError =>
  new AppError('unauthenticated', 'The account of this access token does not exist any more.');
export const sessionEnded = (): AppError => new AppError('unauthenticated', 'This session has ended; log in again.');
export const sessionNotNamed = (): AppError =>
  new AppError('unauthenticated', 'This access token does not name its session; refresh it, and try again.');
