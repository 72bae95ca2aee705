import type { ColumnType } from 'kysely';
import type { Role } from '../domain/registration.ts';

/** What is read through Kysely; the lane's statements stand in state.ts. */
export interface Tables {
  account: {
    id: string;
    email: string;
    password_hash: string;
    name: string | null;
    role: Role;
    created_at: ColumnType<Date, never, never>;
  };
}
