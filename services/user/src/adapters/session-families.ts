import type { Role } from '../domain/registration.ts';
import type { Session, UsedToken } from '../domain/session.ts';

export interface SessionRow {
  id: string;
  user_id: string;
  role: Role;
  token_hash: string;
  created_at: Date;
  refreshed_at: Date | null;
  expires_at: Date;
  revoked_at: Date | null;
  credentials_version: number;
  account_version: number;
}

const sessionOf = (row: SessionRow): Session => ({
  id: row.id,
  userId: row.user_id,
  role: row.role,
  tokenHash: row.token_hash,
  createdAt: row.created_at,
  refreshedAt: row.refreshed_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  credentialsVersion: row.credentials_version,
  accountVersion: row.account_version,
});

/** The locked families of a batch, found by their id or any of their tokens; remembers what has changed. */
export class SessionFamilies {
  readonly #sessions = new Map<string, Session>();
  readonly #familyOf = new Map<string, string>();
  readonly #changed = new Set<string>();
  readonly used: UsedToken[] = [];

  constructor(rows: SessionRow[], used: { token_hash: string; session_id: string }[]) {
    for (const row of rows) {
      this.#sessions.set(row.id, sessionOf(row));
      this.#familyOf.set(row.token_hash, row.id);
    }
    for (const { token_hash, session_id } of used) this.#familyOf.set(token_hash, session_id);
  }

  get changed(): Session[] {
    return [...this.#changed].sort().map((id) => this.#sessions.get(id)!);
  }

  ofId(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  ofToken(tokenHash: string): Session | undefined {
    return this.#sessions.get(this.#familyOf.get(tokenHash) ?? '');
  }

  change(session: Session, used?: UsedToken): void {
    this.#sessions.set(session.id, session);
    this.#changed.add(session.id);
    if (used) this.used.push(used);
  }
}
