/**
 * What has to be there in RabbitMQ before the services of the async stack start, in containers: exchanges, queues, bindings
 * and, where the server has not made them, users. It ends with 0 when all of it is, however often it runs.
 */
import { readEnvironment } from '@flash-sale/shared/config.ts';
import { setUpBroker } from '../launcher/set-up.ts';
import { putBrokerUsers } from './broker-users.ts';
import { brokerPasswordsFrom, setupBrokerSchema } from './setup-config.ts';

const config = readEnvironment(setupBrokerSchema);
if (config.RABBITMQ_API_URL !== undefined) await putBrokerUsers(config.RABBITMQ_API_URL, brokerPasswordsFrom(config));
await setUpBroker(config.AMQP_URL);
console.log('set up: RabbitMQ');
