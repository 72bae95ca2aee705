import { administrator, rabbitmqUsers, userDefinitions, type RabbitmqPasswords } from '../launcher/rabbitmq-users.ts';
import { redisProgram } from '../launcher/redis.ts';
import { redisUsers, type RedisUser } from '../launcher/redis-users.ts';
import { brokerPassword, redisPassword } from './setup-config.ts';

/* How servers start in Compose that are told their users at each start, by a shell that knows the passwords. */

/** A command of several lines; a dollar has to be doubled for Compose to leave it to the shell. */
const shell = (script: string[]) => [
  'command:',
  ...['- sh', '- -c', '- |'].map((line) => `  ${line}`),
  ...script.map((line) => `    ${line.replaceAll('$', '$$$$')}`),
];

/** With the settings of `npm start`, but for where it listens. */
export function redisCommand(): string[] {
  const users = Object.fromEntries(redisUsers.map((user) => [user, `$${redisPassword(user)}`]));
  const { input } = redisProgram({
    executable: '',
    folder: '',
    logFile: '',
    port: 1,
    password: '$REDIS_PASSWORD',
    users: users as Record<RedisUser, string>,
    runAs: undefined,
  });
  const lines = (input as { text: string }).text.trim().split('\n');
  const settings = lines.filter((line) => !/^(bind|port|unixsocket|daemonize) /.test(line));
  return shell(['exec valkey-server - <<END', ...settings, 'END']);
}

/** With a file of users and their rights, over whatever it has. */
export function rabbitmqCommand(): string[] {
  const passwords = Object.fromEntries(rabbitmqUsers.map((user) => [user, `$${brokerPassword(user)}`]));
  const definitions = userDefinitions({ ...passwords, [administrator]: '$RABBITMQ_PASSWORD' } as RabbitmqPasswords);
  return shell([
    '(umask 077 && cat > /tmp/definitions.json) <<END',
    ...inRows(definitions),
    'END',
    'exec rabbitmq-server',
  ]);
}

/** JSON with a line for each entry of its lists. */
function inRows(lists: Record<string, object[]>): string[] {
  const inOne = (row: object) => JSON.stringify(row, null, 1).replaceAll(/\n */g, ' ');
  const parts = Object.entries(lists).map(
    ([name, rows]) => `  "${name}": [\n${rows.map((row) => `    ${inOne(row)}`).join(',\n')}\n  ]`,
  );
  return ['{', ...parts.join(',\n').split('\n'), '}'];
}
