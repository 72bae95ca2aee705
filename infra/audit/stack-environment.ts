import { z } from 'zod';
import { databaseSchema } from '@flash-sale/shared/config.ts';
import { needsRabbitmq, stackNames } from '@flash-sale/shared/stacks.ts';
import { databaseNameOf, databases, type DatabaseName } from '../launcher/database-names.ts';
import { urlFor } from '../launcher/databases.ts';
import type { AuditOptions } from './audit.ts';

/** The stack of an environment, where there is no launcher that has written one down. */
export const environmentSchema = z
  .object({
    STACK: z.enum(stackNames),
    DATABASE_URL: z.url(),
    REDIS_URL: z.url(),
    AMQP_URL: z.url().optional(),
    OUTBOX_MAX_ATTEMPTS: databaseSchema.shape.OUTBOX_MAX_ATTEMPTS,
  })
  // Without its broker the audit of a stack that has one would pass over dead letters.
  .refine(({ STACK, AMQP_URL }) => needsRabbitmq(STACK) === (AMQP_URL !== undefined), {
    path: ['AMQP_URL'],
    message: 'a stack with RabbitMQ has one, any other has none',
  })
  .transform((env): AuditOptions['stack'] => ({
    stack: env.STACK,
    databaseUrls: Object.fromEntries(
      databases.map((name) => [name, urlFor(env.DATABASE_URL, databaseNameOf(name))]),
    ) as Record<DatabaseName, string>,
    redisUrl: env.REDIS_URL,
    amqpUrl: env.AMQP_URL,
    outboxMaxAttempts: env.OUTBOX_MAX_ATTEMPTS,
  }));
