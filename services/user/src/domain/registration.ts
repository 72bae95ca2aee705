export type Role = 'shopper' | 'admin';

export interface NewAccount {
  id: string;
  email: string;
  passwordHash: string;
  name: string | null;
  role: Role;
}

export type Registration = { outcome: 'registered' } | { outcome: 'email-taken' };

/** Registers the first who asks for an address; whoever follows, in the same batch too, finds it taken. */
export function register(account: NewAccount, takenEmails: Set<string>): Registration {
  if (takenEmails.has(account.email)) return { outcome: 'email-taken' };
  takenEmails.add(account.email);
  return { outcome: 'registered' };
}
