import { rabbitmqUsers, rightsOf, topicRightsOf, type RabbitmqUser } from '../launcher/rabbitmq-users.ts';

const answerWithinMs = 10_000;

/**
 * Makes the users of RabbitMQ by its HTTP API, or sets their passwords and rights anew, where it does not do so itself.
 * @param apiUrl with user and password of an administrator
 * @throws when it refuses or does not answer
 */
export async function putBrokerUsers(apiUrl: string, passwords: Record<RabbitmqUser, string>): Promise<void> {
  const { origin, username, password } = new URL(apiUrl);
  const administrator = [username, password].map(decodeURIComponent).join(':');
  const headers = {
    authorization: `Basic ${Buffer.from(administrator).toString('base64')}`,
    'content-type': 'application/json',
  };
  const put = async (path: string, body: object) => {
    const signal = AbortSignal.timeout(answerWithinMs);
    const answer = await fetch(`${origin}/api/${path}`, { method: 'PUT', headers, body: JSON.stringify(body), signal });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`RabbitMQ refuses ${path}: ${answer.status} ${text}`);
  };
  for (const user of rabbitmqUsers) {
    await put(`users/${user}`, { password: passwords[user], tags: '' });
    await put(`permissions/%2F/${user}`, rightsOf(user));
    for (const rights of topicRightsOf(user)) await put(`topic-permissions/%2F/${user}`, rights);
  }
}
