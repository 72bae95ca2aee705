import { addEventContexts, addProcessLeases } from '@flash-sale/shared/messaging/housekeeping.ts';
import type { Migration } from 'kysely';
import { accountsAndSessions } from './0001-accounts-and-sessions.ts';
import { sessionsOfAnAccount } from './0030-sessions-of-an-account.ts';

export const migrations: Record<string, Migration> = {
  '0001-accounts-and-sessions': accountsAndSessions,
  '0010-outbox-lease': { up: addProcessLeases },
  '0030-sessions-of-an-account': sessionsOfAnAccount,
  '0060-event-contexts': { up: addEventContexts },
};
