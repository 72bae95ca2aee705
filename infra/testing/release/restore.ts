import { join } from 'node:path';
import { needsRabbitmq, type StackName } from '@flash-sale/shared/stacks.ts';
import { databaseUrls, provision } from '../../launcher/databases.ts';
import { postgresProgram, postgresUrl } from '../../launcher/postgres.ts';
import { preparePrograms } from '../../launcher/programs.ts';
import { amqpUrl, epmdProgram, rabbitmqProgram } from '../../launcher/rabbitmq.ts';
import { redisProgram, redisUrl } from '../../launcher/redis.ts';
import { writePrivately } from '../../launcher/secrets.ts';
import { choosePorts } from '../../launcher/site.ts';
import { serverFolder, unprivilegedUser } from '../../launcher/unprivileged.ts';
import { whileRunning } from '../while-running.ts';
import { restoreBroker, type SavedBroker } from './broker.ts';
import { restoreDatabases } from './databases.ts';
import { readFixture, type Clients } from './fixture.ts';
import { restoreRedis, type Key } from './redis.ts';
import { readSchemas, type Schemas } from './schema.ts';

export interface RestoredRelease {
  clients: Clients;
  /** As the release had made it. */
  schemas: Schemas;
}

/**
 * Makes a data folder what it was when a release stopped, for a stack to be started on: secrets, databases, Redis and
 * RabbitMQ, all by servers of this machine's versions, and with times as if it had been a moment ago.
 */
export async function restoreRelease(release: string, kind: StackName, dataDir: string): Promise<RestoredRelease> {
  const { secrets, clients, read } = readFixture(release, kind);
  await writePrivately(join(dataDir, 'secrets.json'), secrets);
  const { postgres, redis, rabbitmq, erlang } = await preparePrograms(
    ['postgres', 'redis', 'rabbitmq', 'erlang'],
    console.log,
  );
  const ports = await choosePorts(undefined);
  // One user for all, as there once was: whoever runs the servers today takes the files over.
  const runAs = await unprivilegedUser('postgres');
  const placeOf = async (name: string) => {
    const folder = await serverFolder(dataDir, name, runAs);
    return { folder, logFile: join(folder, 'restore.log'), runAs };
  };

  const database = await postgresProgram({
    ...(await placeOf('postgres')),
    executables: postgres,
    port: ports.postgres,
    password: secrets.postgresPassword,
    durable: false,
  });
  const schemas = await whileRunning([database], async () => {
    const adminUrl = postgresUrl(ports.postgres, secrets.postgresPassword);
    await provision(adminUrl, secrets);
    const urls = databaseUrls(adminUrl, secrets);
    await restoreDatabases(read('databases.sql.gz'), urls);
    return readSchemas(urls);
  });

  const cache = redisProgram({
    ...(await placeOf('redis')),
    executable: redis[0] ?? 'redis-server',
    port: ports.redis,
    password: secrets.redisPassword,
  });
  const keys = JSON.parse(read('redis.json')) as Key[];
  await whileRunning([cache], () => restoreRedis(redisUrl(ports.redis, secrets.redisPassword), keys));

  if (needsRabbitmq(kind)) {
    const options = {
      ...(await placeOf('rabbitmq')),
      executable: rabbitmq[0] ?? 'rabbitmq-server',
      controller: rabbitmq[1] ?? 'rabbitmqctl',
      erlang,
      ports: ports.rabbitmq,
      password: secrets.rabbitmqPassword,
    };
    const saved = JSON.parse(read('broker.json')) as SavedBroker;
    await whileRunning([epmdProgram(options), await rabbitmqProgram(options)], () =>
      restoreBroker(amqpUrl(ports.rabbitmq.amqp, secrets.rabbitmqPassword), saved),
    );
  }
  return { clients, schemas };
}
