import { limitKey } from '@flash-sale/shared/http/limit-counters.ts';
import { settledChannel } from '@flash-sale/shared/messaging/outcomes.ts';
import { crowdCountKey, crowdKeys } from '@flash-sale/shared/redis/crowd-sign.ts';
import { readyKey } from '@flash-sale/shared/redis/connection.ts';
import { positionKey } from '@flash-sale/shared/redis/positions.ts';
import { stockMarkKey } from '@flash-sale/shared/redis/stock-mark.ts';
import { stockKey } from '@flash-sale/shared/redis/stock-view.ts';
import { triedPaymentKey } from '@flash-sale/shared/redis/tried-payments.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { redisQuoted } from './quoting.ts';

/** A user for each service, and one for who only looks: the audit, the benchmark, people. */
export const redisUsers = [...serviceNames, 'auditor'] as const;
export type RedisUser = (typeof redisUsers)[number];

interface Access {
  reads?: string[];
  writes?: string[];
  channels?: string[];
}

/** Whose keys and channels are whose, beside the one by which a service tries whether it may write. Who begins to use others gets them here. */
const accessOf: Partial<Record<RedisUser, Access>> = {
  user: { reads: [crowdCountKey], writes: [limitKey('*'), 'log-in:*'] },
  inventory: { writes: [stockKey('*'), stockMarkKey] },
  reservation: {
    reads: [stockKey('*'), stockMarkKey, triedPaymentKey('*')],
    writes: [limitKey('*'), ...crowdKeys, positionKey('reservation', '*')],
    channels: [settledChannel('reservation')],
  },
  order: { writes: [positionKey('order', '*')], channels: [settledChannel('order')] },
  payment: { writes: [triedPaymentKey('*'), positionKey('payment', '*')], channels: [settledChannel('payment')] },
  auditor: { reads: ['*'] },
};

const toConnect = '+ping +info';
/** Nothing that concerns the whole server or its list of keys, holds a connection up, or keeps code there for others. */
const ofServices =
  '-@all +@read +@write -@dangerous -@blocking -@scripting -scan -randomkey -dbsize' +
  ' +eval +evalsha +script|load +script|exists +multi +exec +discard +time +publish +subscribe +unsubscribe ';
const ofAuditor = '-@all +@read -@dangerous -@blocking -@scripting ';

/** What a user may do, in the words of Redis' access lists (7 or later, which know rights per key). */
export function permissionsOf(user: RedisUser): string {
  const { reads = [], writes = [], channels = [] } = accessOf[user] ?? {};
  const own = user === 'auditor' ? [] : [readyKey(`${user}:*`)];
  return [
    'resetchannels',
    ...reads.map((pattern) => `%R~${pattern}`),
    ...[...own, ...writes].map((pattern) => `~${pattern}`),
    ...channels.map((channel) => `&${channel}`),
    (user === 'auditor' ? ofAuditor : ofServices) + toConnect,
  ].join(' ');
}

/** The lines of a configuration that make the users anew at each start. */
export const userLines = (passwords: Record<RedisUser, string>): string[] =>
  redisUsers.map((user) => `user ${user} on ${redisQuoted(`>${passwords[user]}`)} ${permissionsOf(user)}`);
