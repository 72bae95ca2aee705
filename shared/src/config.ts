import { z } from 'zod';
import { tokenAlgorithms } from './auth.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { inWords } from './in-words.ts';
import { runAsPattern } from './service/privileges.ts';
import { settingProblem } from './setting-problems.ts';
import { defaultStack, stackNames } from './stacks.ts';
import { tracingSettings } from './tracing/settings.ts';

/**
 * Settings by the names that they had in an earlier release: old name → new name. Whoever has set one under its old name
 * goes on without noticing but by a warning. An entry stays for as long as anybody may still use it.
 */
export const renamedSettings: Readonly<Record<string, string>> = {};

/** The settings with new names instead of old ones. A new name that is there as well goes first. */
export function underNewNames<Settings extends NodeJS.ProcessEnv>(
  env: Settings,
  warn: (line: string) => void,
  renamed = renamedSettings,
): Settings {
  const result: NodeJS.ProcessEnv = { ...env };
  for (const [old, name] of Object.entries(renamed)) {
    if (env[old] === undefined) continue;
    const isThere = env[name] !== undefined;
    warn(`${old} is called ${name} now, and ${isThere ? 'is not read, for both are set' : 'is still read for it'}.`);
    if (!isThere) result[name] = env[old];
    delete result[old];
  }
  return result as Settings;
}

const toStderr = (line: string) => void process.stderr.write(`${line}\n`);

/** An environment that cannot be used; the message says everything that is wrong with it. */
export class UnusableConfiguration extends Error {
  /** Each in a line. */
  readonly problems: readonly string[];

  constructor(problems: string[], service?: ServiceName) {
    const whose = service === undefined ? '' : ` of ${service}`;
    const lines = problems.map((problem) => `  ${problem}`).join('\n');
    super(`The configuration${whose} is not usable; nothing was started.\n${lines}`);
    this.problems = problems;
  }
}

/** EX_CONFIG: how a process ends whose configuration is not usable. To start it again would change nothing. */
export const unusableConfigurationCode = 78;

/** Says what is wrong and exits with `unusableConfigurationCode`. */
export function exitUnusable(...problems: UnusableConfiguration[]): never {
  process.stderr.write(problems.map(({ message }) => `${message}\n`).join(''));
  process.exit(unusableConfigurationCode);
}

/**
 * Reads and checks the environment by a schema, a renamed setting under its old name as well, which it warns of on standard
 * error; says every problem at once and exits, as in `exitUnusable`.
 * @param service whose environment it is, where the process has one for each of several services
 * @throws UnusableConfiguration instead of exiting when a service is named: the others' problems are to be told with it
 */
export function readEnvironment<T extends z.ZodType>(
  schema: T,
  env: NodeJS.ProcessEnv = process.env,
  service?: ServiceName,
): z.output<T> {
  const settings = underNewNames(env, toStderr);
  const parsed = schema.safeParse(settings, { error: inWords });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => settingProblem(issue, schema, settings));
  const unusable = new UnusableConfiguration(problems, service);
  if (service !== undefined) throw unusable;
  exitUnusable(unusable);
}

/** For a service's own `readConfig`: nothing, for the environment of the process; or one of its own, and whose it is. */
export type EnvironmentOf = [env?: NodeJS.ProcessEnv, service?: ServiceName];

const port = z.coerce.number().int().min(0).max(65_535);
const secret = z.string().min(32, 'a secret of at least 32 characters');
export const milliseconds = (fallback: number) => z.coerce.number().int().min(1).max(86_400_000).default(fallback);
export const count = (fallback: number) => z.coerce.number().int().min(1).max(1_000_000).default(fallback);
/** A bound that 0 lifts. */
export const bound = (fallback: number) => z.coerce.number().int().min(0).max(1_000_000).default(fallback);
const aDayMs = 86_400_000;
/**
 * No hold lasts longer. What a shopper has open is looked for among the reservations that are no older than it may be, so that a
 * long history costs nothing: an older one that was still held would not count against OPEN_RESERVATIONS_MAX.
 */
export const maxHoldMs = 7_200_000;
/** No setting of a retention may be shorter: whoever meets a trace of something older need not find the rest of it. */
export const minRetentionMs = 3_600_000;

/** What every service needs to know. A service's own config.ts extends it. Times in ms, sizes in bytes or items. */
export const commonSchema = z.object({
  STACK: z.enum(stackNames).default(defaultStack).describe('how services talk: a name of src/stacks.ts'),
  SERVICE_INSTANCE: z.string().default('1').describe('tells the instances of one service apart in logs'),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(0).describe('0 takes a free port'),
  REDIS_URL: z.url(),
  INFLUX_URL: z.url().optional().describe('InfluxDB 2, where metrics go each second; without it nowhere'),
  INFLUX_TOKEN: z.string().default(''),
  INFLUX_ORG: z.string().default('flash-sale'),
  INFLUX_BUCKET: z.string().default('flash_sale'),
  INTERNAL_URL: z.url().describe('where other services are reached: the internal listener of nginx'),
  INTERNAL_TOKEN: secret.describe('proves that an internal request comes from a service'),
  JWT_SECRET: secret.describe('signs access tokens, HS256, unless TOKEN_SIGNING of the user service says otherwise'),
  TOKEN_ALGORITHMS: z
    .string()
    .default(tokenAlgorithms.join())
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(z.enum(tokenAlgorithms)).min(1))
    .describe('by which algorithms access tokens may be signed: hs256, es256'),
  ...tracingSettings,
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  TRUSTED_PROXIES: z.string().default('loopback').describe('whose X-Forwarded-For is believed; Express syntax'),
  RUN_AS: z
    .string()
    .regex(runAsPattern, 'uid:gid, neither of root')
    .optional()
    .describe('uid:gid that a process of root takes on for good, before its first connection'),
  LAUNCHER_PIPE: z
    .stringbool()
    .default(false)
    .describe('end when standard input ends, with the process that started us'),
  WORK_LATE_MS: milliseconds(10_000).describe('age of undone work from which on the shop’s /readyz answers 503'),
  DRAIN_IDLE_MS: milliseconds(1_000).describe(
    'in a shutdown, idle connections close when none has brought a request for so long: nginx may have chosen one just now',
  ),
  DRAIN_TIMEOUT_MS: milliseconds(8_000).describe(
    'hard deadline of a graceful shutdown; who waits for an outcome is told how things stand (202) at half of it',
  ),
});

/** What a service with a database needs to know besides: it has a lane, an outbox and a transport of events as well. */
export const databaseSchema = commonSchema.extend({
  DATABASE_URL: z.url().describe('role that may read and write rows, nothing else'),
  READ_DATABASE_URL: z
    .preprocess((url) => (url === '' ? undefined : url), z.url().optional()) // Compose cannot leave out a variable
    .describe(
      'a hot standby of the same database, and the same role; what shoppers read comes from there where it is new enough for them',
    ),
  MIGRATION_DATABASE_URL: z
    .url()
    .optional()
    .describe(
      'role that owns the schema; used for migrations at start, then closed. Without it the set-up must have migrated',
    ),
  AMQP_URL: z
    .url({ protocol: /^amqps?$/, error: 'must be a URL of amqp or amqps' })
    .optional()
    .describe(
      'RabbitMQ, such as amqp://user:password@host:5672; required where the events of the STACK travel through it',
    ),
  AMQP_PREFETCH: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535)
    .default(256)
    .describe('most events from RabbitMQ that one process is handling at once'),
  AMQP_UNCONFIRMED_MAX: count(10_000).describe(
    'most events on their way to the broker at once; what is more waits in the outbox',
  ),
  AMQP_BATCH_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .default(256)
    .describe(
      'most events of a transaction that travel to a service in one message; with 0 each has one of its own, which the release before reads, too',
    ),
  AMQP_BATCH_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(16_777_216)
    .default(262_144)
    .describe('most bytes of such a message; an event that is larger has one of its own'),
  AMQP_CONFIRM_TIMEOUT_MS: milliseconds(5_000).describe('longest a delivery waits for the broker to confirm it'),
  AMQP_PATIENT_RETRIES: count(10).describe(
    'an event that fails for now comes again after 1 s, 5 s, then every 30 s for ever; after so many each is an error in the log',
  ),
  AMQP_HOLD_MS: milliseconds(10_000).describe(
    'how long a process without its database holds an event and tries it again by itself; then it comes again as above',
  ),
  ORDER_ID_SECRET: secret.describe('marks order ids as minted by the reservation service'),
  BATCH_MAX: count(256).describe('most items in one transaction'),
  BATCH_QUEUE_MAX: count(20_000).describe('most items waiting for a transaction; more are refused with 503'),
  SHED_BEYOND_REQUESTS: count(850).describe(
    'requests under way in one process that change something; beyond, or beyond three fifths of it in the mean of half a second, log-ins and registrations are refused with 503, and beyond a quarter more new carts too',
  ),
  SHED_BEYOND_WAIT_MS: milliseconds(50).describe(
    '… while one of its lanes has kept something waiting longer than this; otherwise it is for somebody else that the requests wait',
  ),
  READ_POOL_SIZE: count(2).describe('connections for reads outside batches'),
  STATEMENT_TIMEOUT_MS: milliseconds(10_000),
  SETTLE_TIMEOUT_MS: milliseconds(8_000).describe('longest a request waits for its own chain of events before 202'),
  HOP_TIMEOUT_MS: milliseconds(5_000).describe('longest one call to another service may take'),
  OUTBOX_GRACE_MS: milliseconds(10_000).describe(
    'age at which undelivered events of a process without a lease are taken up by others',
  ),
  OUTBOX_HANDOVER_MS: milliseconds(2_500).describe(
    'the same for events whose delivery was left to the sender of what they follow from (sync)',
  ),
  OUTBOX_SWEEP_MS: milliseconds(1_000).describe(
    'how often a process says that it lives, and looks for what is due or waits in its outbox',
  ),
  OUTBOX_HELD_MAX: count(1_000).describe(
    'most outbox records that a process tries again from memory; what is more waits in the database',
  ),
  OUTBOX_HOLD_MS: milliseconds(30_000).describe(
    'how long it does so, every two seconds at last; then the record is given back, and counts as tried once more',
  ),
  PROCESS_LEASE_MS: z.coerce
    .number()
    .int()
    .min(300)
    .max(60_000)
    .default(3_000)
    .describe('after so long without a sign of life others take up the events of a process'),
  OUTBOX_MAX_ATTEMPTS: count(50).describe(
    'after so many deliveries an outbox record counts as stuck: tried every 5 minutes, logged as an error',
  ),
  OUTBOX_BACKLOG_MAX: count(20_000).describe(
    'outbox records (one a transaction) beyond which new reservations are refused with 503',
  ),
  OUTBOX_AGE_MAX_MS: milliseconds(60_000).describe(
    'age of the oldest outbox record that an outage keeps from being delivered beyond which new reservations are refused with 503; one that fails though others get through does not count',
  ),
  PUBLISH_AGE_MAX_MS: milliseconds(30_000).describe(
    'age of the oldest event that the broker has not confirmed beyond which new payments and reservations are refused with 503',
  ),
  QUEUE_BACKLOG_MAX: count(200_000).describe(
    'events that wait in RabbitMQ for the service with most of them, about, beyond which new reservations are refused with 503',
  ),
  INBOX_RETENTION_MS: z.coerce
    .number()
    .int()
    .min(minRetentionMs)
    .default(aDayMs)
    .describe('how long repeats are recognised'),
  RETENTION_MS: z.coerce
    .number()
    .int()
    .refine((ms) => ms === 0 || ms >= minRetentionMs, 'an hour at least, or 0 to keep everything')
    .default(7 * aDayMs)
    .describe(
      'how long what came to nothing is kept: carts never reserved, reservations that were refused or released, with hold and unpaid order; never shorter than INBOX_RETENTION_MS; 0 keeps everything',
    ),
});

/** From this age on what came to nothing may be removed: by then the inbox has seen or forgotten every repeat. */
export const keptForMs = (config: Pick<DatabaseConfig, 'RETENTION_MS' | 'INBOX_RETENTION_MS'>): number =>
  Math.max(config.RETENTION_MS, config.INBOX_RETENTION_MS);

export type CommonConfig = z.output<typeof commonSchema>;
export type DatabaseConfig = z.output<typeof databaseSchema>;
