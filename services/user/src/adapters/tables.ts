import type { ColumnType } from 'kysely';
import type { Role } from '../domain/state.ts';

type Read<T> = ColumnType<T, never, never>;

/** The tables as reads through Kysely see them; the lane's statements are in statements.ts. */
export interface Tables {
  account: {
    id: string;
    email: string;
    password_hash: string;
    name: string | null;
    role: Role;
    created_at: Read<Date>;
    credentials_version: Read<number>;
    credentials_changed_at: Read<Date | null>;
    kept_session: Read<string | null>;
    deleted_at: Read<Date | null>;
  };
  session: {
    id: Read<string>;
    user_id: Read<string>;
    created_at: Read<Date>;
    refreshed_at: Read<Date | null>;
    expires_at: Read<Date>;
    revoked_at: Read<Date | null>;
    credentials_version: Read<number>;
    user_agent: Read<string | null>;
  };
}
