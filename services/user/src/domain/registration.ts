import { nothing, refuse, type Refused, type Result } from '@flash-sale/shared/messaging/decision.ts';
import type { NewAccount, UserState } from './state.ts';

/** Registers the first account with an address; later ones, in the same batch too, find it taken. */
export function register(account: NewAccount, state: UserState): Result | Refused<'email-taken'> {
  if (state.isTaken(account.email)) return refuse('email-taken');
  state.addAccount(account);
  return nothing;
}
