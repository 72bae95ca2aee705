import { countDeadLetters } from '../../dlq/broker.ts';
import { Undecided, type Check } from '../check.ts';

/** An event that lies there has not been handled, and will not be unless somebody sees to it. */
export const noDeadLetters = (amqpUrl: string): Check => ({
  invariant: 6,
  title: 'no dead letter waits for somebody to look at it',
  unit: ['queue', 'queues'],
  async run() {
    const counts = await orUndecided(countDeadLetters(amqpUrl));
    const wrong = counts
      .filter(([, count]) => count > 0)
      .map(([service, count]) => `dead letters of ${service}: ${count}; see npm run dlq -- list --service ${service}`);
    return { counted: counts.length, wrong };
  },
});

/** Awaits what a broker is asked. @throws Undecided when it does not answer */
export function orUndecided<T>(question: Promise<T>): Promise<T> {
  return question.catch((error: Error) => {
    throw new Undecided(`RabbitMQ cannot be asked: ${error.message}`, { cause: error });
  });
}
