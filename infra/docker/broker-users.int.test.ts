import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { freePort } from '../launcher/free-port.ts';
import {
  administrator,
  rabbitmqUsers,
  rightsOf,
  topicRightsOf,
  type RabbitmqUser,
} from '../launcher/rabbitmq-users.ts';
import { createTestRabbitmq } from '../testing/rabbitmq.ts';
import type { TestRabbitmq } from '../testing/servers.ts';
import { putBrokerUsers } from './broker-users.ts';

const patienceMs = 120_000;
let broker: TestRabbitmq;
let apiUrl: string;
beforeAll(async () => {
  broker = await createTestRabbitmq();
  const port = await freePort();
  const listen = `application:load(rabbitmq_management), application:set_env(rabbitmq_management, tcp_config, [{ip, "127.0.0.1"}, {port, ${port}}])`;
  await broker.control(
    '--quiet',
    'eval',
    `${listen}, {ok, _} = application:ensure_all_started(rabbitmq_management), ok.`,
  );
  const { username, password } = new URL(broker.url);
  apiUrl = `http://${username}:${password}@127.0.0.1:${port}`;
}, patienceMs);
afterAll(() => broker?.close());

const passwords = Object.fromEntries(rabbitmqUsers.map((user) => [user, `new-${user}`])) as Record<
  RabbitmqUser,
  string
>;

test(
  'makes the users, and sets their passwords and rights anew',
  async () => {
    await broker.control('delete_user', 'order');
    await broker.control('set_permissions', 'payment', '.*', '.*', '.*');
    for (let times = 0; times < 2; times += 1) await putBrokerUsers(apiUrl, passwords);
    for (const user of rabbitmqUsers) {
      const url = new URL(broker.urlOf(user));
      url.password = passwords[user];
      await withChannel(url.href, () => Promise.resolve());
    }
    const rows = await broker.control('--quiet', 'list_permissions', '--no-table-headers');
    const found = rows.split('\n').map((row) => row.trim().split('\t'));
    const wanted = rabbitmqUsers.map((user) => {
      const { configure, write, read } = rightsOf(user);
      return [user, configure, write, read];
    });
    expect(found).toEqual(expect.arrayContaining(wanted));
    expect(found).toHaveLength(wanted.length + 1);
    for (const user of rabbitmqUsers) {
      const shown = await broker.control('--quiet', 'list_user_topic_permissions', '--no-table-headers', user);
      const topics = topicRightsOf(user).map(({ exchange, write, read }) => ['/', exchange, write, read].join('\t'));
      expect(
        shown
          .split('\n')
          .flatMap((row) => row.trim() || [])
          .sort(),
      ).toEqual(topics.sort());
    }
    const tags = await broker.control('--quiet', 'list_users', '--no-table-headers');
    expect(tags.match(/^.*administrator.*$/gm)).toEqual([expect.stringMatching(new RegExp(`^${administrator}\\s`))]);
  },
  patienceMs,
);

test('says what is refused', async () => {
  const wrong = new URL(apiUrl);
  wrong.password = 'wrong';
  await expect(putBrokerUsers(wrong.href, passwords)).rejects.toThrow(/RabbitMQ refuses users\/user: 401/);
});
