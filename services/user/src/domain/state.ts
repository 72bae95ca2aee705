export type Role = 'shopper' | 'admin';

export interface NewAccount {
  id: string;
  email: string;
  passwordHash: string;
  name: string | null;
  role: Role;
}

/**
 * An account's credentials. Their version rises with each change: sessions and tokens made under an earlier one have ended, except
 * for the session from which the password was changed.
 */
export interface Owned {
  id: string;
  passwordHash: string;
  credentialsVersion: number;
  keptSession: string | null;
  deleted: boolean;
}

/** A log-in and the refresh tokens that follow from it. Only the newest token is valid. */
export interface Session {
  id: string;
  userId: string;
  role: Role;
  tokenHash: string;
  createdAt: Date;
  refreshedAt: Date | null;
  expiresAt: Date;
  revokedAt: Date | null;
  /** The account's version when the password was verified for this session. */
  credentialsVersion: number;
  /** The account's version now. */
  accountVersion: number;
}

export interface NewSession extends Pick<
  Session,
  'id' | 'userId' | 'tokenHash' | 'createdAt' | 'expiresAt' | 'credentialsVersion'
> {
  userAgent: string | null;
}

export interface UsedToken {
  tokenHash: string;
  sessionId: string;
  expiresAt: Date;
}

/** The accounts and sessions that a batch touches, and which of them are new or changed. */
export class UserState {
  readonly #takenEmails: Set<string>;
  readonly #accounts: Map<string, Owned>;
  readonly #sessions: Map<string, Session>;
  readonly #familyOf: Map<string, string>;
  readonly #changedSessions = new Set<string>();
  readonly newAccounts: NewAccount[] = [];
  readonly newSessions: NewSession[] = [];
  readonly changedAccounts = new Map<string, { account: Owned; at: Date }>();
  readonly usedTokens: UsedToken[] = [];

  /** @param loaded `usedTokens`: those of the presented tokens that are used up */
  constructor(loaded: {
    takenEmails?: string[];
    accounts?: Owned[];
    sessions?: Session[];
    usedTokens?: Omit<UsedToken, 'expiresAt'>[];
  }) {
    const { takenEmails = [], accounts = [], sessions = [], usedTokens = [] } = loaded;
    this.#takenEmails = new Set(takenEmails);
    this.#accounts = new Map(accounts.map((account) => [account.id, account]));
    this.#sessions = new Map(sessions.map((session) => [session.id, session]));
    this.#familyOf = new Map(sessions.map(({ tokenHash, id }) => [tokenHash, id]));
    for (const { tokenHash, sessionId } of usedTokens) this.#familyOf.set(tokenHash, sessionId);
  }

  isTaken(email: string): boolean {
    return this.#takenEmails.has(email);
  }

  addAccount(account: NewAccount): void {
    this.#takenEmails.add(account.email);
    this.newAccounts.push(account);
  }

  account(id: string): Owned | undefined {
    return this.#accounts.get(id);
  }

  changeAccount(account: Owned, at: Date): void {
    this.#accounts.set(account.id, account);
    this.changedAccounts.set(account.id, { account, at });
  }

  session(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The session that a refresh token belongs to, be it the newest or a used one. */
  sessionOfToken(tokenHash: string): Session | undefined {
    return this.#sessions.get(this.#familyOf.get(tokenHash) ?? '');
  }

  addSession(session: NewSession): void {
    this.newSessions.push(session);
  }

  changeSession(session: Session, used?: UsedToken): void {
    this.#sessions.set(session.id, session);
    this.#changedSessions.add(session.id);
    if (used) this.usedTokens.push(used);
  }

  get changedSessions(): Session[] {
    return [...this.#changedSessions].sort().map((id) => this.#sessions.get(id)!);
  }
}
