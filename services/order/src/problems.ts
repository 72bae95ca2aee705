import { AppError } from '@flash-sale/contract/errors.ts';

export const notKnownYet = (): AppError =>
  new AppError('unavailable', 'The order is not known yet; its reservation is still being decided.');
