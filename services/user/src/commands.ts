import { changePassword, deleteAccount } from './domain/account.ts';
import { register } from './domain/registration.ts';
import { end, open, rotate } from './domain/session.ts';

/** Every command that the routes give: all that changes this service's database. */
export const commands = {
  registerAccount: register,
  openSession: open,
  rotateSession: rotate,
  endSession: end,
  changePassword,
  deleteAccount,
};
export type UserCommands = typeof commands;
