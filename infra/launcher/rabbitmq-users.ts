import { subjects } from '@flash-sale/contract/events/subscriptions.ts';
import {
  batchesExchange,
  batchQueueOf,
  deadQueueOf,
  eventsExchange,
  serviceDeadLettersExchange,
  retrySteps,
  subscribingServices,
} from '@flash-sale/shared/messaging/amqp-topology.ts';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';

/** Who may do everything: for the set-up, and for services of the release before, which all shared it. */
export const administrator = 'flash_sale';
/** A user for each service, one for who only counts what waits, and one for who sees to dead letters. */
export const rabbitmqUsers = [...serviceNames, 'auditor', 'operator'] as const;
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
  return { configure: nothing, write: only(...exchangesOf(service)), read: only(service, batchQueueOf(service)) };
}

const putOffOrAside = [serviceDeadLettersExchange, ...retrySteps.map(({ exchange }) => exchange)];
const ofEvents = [eventsExchange, batchesExchange];
const exchangesOf = (service: ServiceName) => (subjects[service] ? [...ofEvents, ...putOffOrAside] : putOffOrAside);

/** A pattern of the routing keys by which a user may publish to an exchange, and of those to which it may bind a queue. */
export interface TopicRights {
  exchange: string;
  write: string;
  read: string;
}

/** What a user may publish, of where it may: events that are its service's to tell, and messages of its own queues. */
export function topicRightsOf(user: RabbitmqUser): TopicRights[] {
  const service = subscribingServices.find((name) => name === user);
  if (!service) return [];
  const subject = subjects[service];
  return [
    ...(subject ? ofEvents.map((exchange) => ({ exchange, write: `^${subject}[.]`, read: nothing })) : []),
    ...putOffOrAside.map((exchange) => ({ exchange, write: only(service), read: nothing })),
  ];
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
    topic_permissions: rabbitmqUsers.flatMap((user) =>
      topicRightsOf(user).map((rights) => ({ user, vhost, ...rights })),
    ),
  };
}
