import {
  deadLettersExchange,
  deadQueueOf,
  eventsExchange,
  retrySteps,
  subscribingServices,
} from '@flash-sale/shared/messaging/amqp-topology.ts';
import { services } from './database-names.ts';

/** Who may do everything: for the set-up, and for services of the release before, which all shared it. */
export const administrator = 'flash_sale';
/** A user for each service, one for who only counts what waits, and one for who sees to dead letters. */
export const rabbitmqUsers = [...services, 'auditor', 'operator'] as const;
export type RabbitmqUser = (typeof rabbitmqUsers)[number];

/** Patterns of the names of exchanges and queues: what may be declared, published to, and taken from. */
export interface Rights {
  configure: string;
  write: string;
  read: string;
}

const nothing = '^$';
const only = (...names: string[]) => `^(${names.map((name) => name.replaceAll('.', '[.]')).join('|')})$`;
/** As the exchange without a name is called here, which leads to each queue by the queue's own name. */
const defaultExchange = 'amq.default';

/**
 * What a user may do. Nobody may declare, bind or delete; to ask whether something is there, and how many messages lie in
 * it, takes no right. Who handles events publishes others that follow, and puts aside or off what it cannot handle.
 */
export function rightsOf(user: RabbitmqUser): Rights {
  if (user === 'operator')
    return { configure: nothing, write: only(defaultExchange), read: only(...subscribingServices.map(deadQueueOf)) };
  const service = subscribingServices.find((name) => name === user);
  if (!service) return { configure: nothing, write: nothing, read: nothing };
  const exchanges = [eventsExchange, deadLettersExchange, ...retrySteps.map(({ name }) => name)];
  return { configure: nothing, write: only(...exchanges), read: only(service) };
}

export type RabbitmqPasswords = Record<RabbitmqUser | typeof administrator, string>;

/**
 * The users as RabbitMQ itself takes them, over whatever it has, whenever it starts (`load_definitions`). With such a file
 * it makes neither a virtual host nor a user by itself, so that these stand in it as well.
 */
export function userDefinitions(passwords: RabbitmqPasswords) {
  const everything: Rights = { configure: '.*', write: '.*', read: '.*' };
  const vhost = '/';
  return {
    vhosts: [{ name: vhost }],
    users: [
      { name: administrator, password: passwords[administrator], tags: 'administrator' },
      ...rabbitmqUsers.map((name) => ({ name, password: passwords[name], tags: '' })),
    ],
    permissions: [
      { user: administrator, vhost, ...everything },
      ...rabbitmqUsers.map((user) => ({ user, vhost, ...rightsOf(user) })),
    ],
  };
}
