import { z } from 'zod';
import { databases, type DatabaseName } from '../launcher/database-names.ts';
import { rabbitmqUsers, type RabbitmqUser } from '../launcher/rabbitmq-users.ts';
import type { RedisUser } from '../launcher/redis-users.ts';
import type { Secrets } from '../launcher/secrets.ts';

type Owner = `${Uppercase<DatabaseName>}_DB_OWNER_PASSWORD`;
type Runtime = `${Uppercase<DatabaseName>}_DB_PASSWORD`;

const upper = <Name extends DatabaseName | RabbitmqUser>(name: Name) => name.toUpperCase() as Uppercase<Name>;
/** The variables with the passwords of a database's owner and of its runtime role. */
export const ownerPassword = (name: DatabaseName): Owner => `${upper(name)}_DB_OWNER_PASSWORD`;
export const runtimePassword = (name: DatabaseName): Runtime => `${upper(name)}_DB_PASSWORD`;
const password = z.string().min(1);
const passwords = Object.fromEntries(
  databases.flatMap((name) => [
    [ownerPassword(name), password],
    [runtimePassword(name), password],
  ]),
) as Record<Owner | Runtime, typeof password>;

/** The passwords are set anew each time, so that one which was changed in the environment takes effect. */
export const setupSchema = z.object({
  DATABASE_URL: z
    .url()
    .describe('the server, for a role that may make databases and roles, unless those are PROVISIONED'),
  PROVISIONED: z.stringbool().default(false).describe('others make the databases and roles, such as an operator'),
  AUDITOR_PASSWORD: password,
  REPLICATOR_PASSWORD: z
    .preprocess((text) => (text === '' ? undefined : text), password.optional()) // Compose cannot leave out a variable
    .describe('for the role by which a replica follows, where there may be one'),
  ...passwords,
});

export function secretsFrom(config: z.output<typeof setupSchema>): Pick<Secrets, 'auditorPassword' | 'roles'> {
  const roles = databases.map((name) => [
    name,
    { owner: config[ownerPassword(name)], runtime: config[runtimePassword(name)] },
  ]);
  return { auditorPassword: config.AUDITOR_PASSWORD, roles: Object.fromEntries(roles) as Secrets['roles'] };
}

/** The variable with the password of a user of Redis. */
export const redisPassword = (user: RedisUser): string => `${user.toUpperCase()}_REDIS_PASSWORD`;

type BrokerPassword = `${Uppercase<RabbitmqUser>}_RABBITMQ_PASSWORD`;
export const brokerPassword = (user: RabbitmqUser): BrokerPassword => `${upper(user)}_RABBITMQ_PASSWORD`;

/** What the set-up of the broker is told, apart from that of the databases: the sync stack has none. */
export const setupBrokerSchema = z.object({
  AMQP_URL: z.url({ protocol: /^amqps?$/ }).describe('for a user who may declare everything'),
  RABBITMQ_API_URL: z
    .url()
    .optional()
    .describe(
      "RabbitMQ's HTTP API, with user and password of an administrator, by whom the other users are made. Without it they" +
        ' are there already: in Compose the server takes them from its environment',
    ),
  ...(Object.fromEntries(rabbitmqUsers.map((user) => [brokerPassword(user), password.optional()])) as Record<
    BrokerPassword,
    z.ZodOptional<typeof password>
  >),
});

/** @throws when one is missing */
export function brokerPasswordsFrom(config: z.output<typeof setupBrokerSchema>): Record<RabbitmqUser, string> {
  const known = rabbitmqUsers.map((user) => {
    const given = config[brokerPassword(user)];
    if (given === undefined) throw new Error(`RABBITMQ_API_URL needs ${brokerPassword(user)}, too`);
    return [user, given];
  });
  return Object.fromEntries(known) as Record<RabbitmqUser, string>;
}
