import type { Role } from '../domain/registration.ts';
import type { Session, UsedToken } from '../domain/session.ts';

export interface SessionRow {
  id: string;
  user_id: string;
  role: Role;
  token_hash: string;
  expires_at: Date;
  revoked_at: Date | null;
}

/** The locked families of a batch, found by any of their tokens; remembers what has changed. */
export class SessionFamilies {
  readonly #sessions = new Map<string, Session>();
  readonly #familyOf = new Map<string, string>();
  readonly #changed = new Set<string>();
  readonly used: UsedToken[] = [];

  constructor(rows: SessionRow[], used: { token_hash: string; session_id: string }[]) {
    for (const row of rows) {
      const { id, role } = row;
      const { user_id: userId, token_hash: tokenHash, expires_at: expiresAt, revoked_at: revokedAt } = row;
      this.#sessions.set(id, { id, userId, role, tokenHash, expiresAt, revokedAt });
      this.#familyOf.set(tokenHash, id);
    }
    for (const { token_hash, session_id } of used) this.#familyOf.set(token_hash, session_id);
  }

  get changed(): Session[] {
    return [...this.#changed].sort().map((id) => this.#sessions.get(id)!);
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
