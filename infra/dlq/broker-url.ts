import { findRunningStack, NotRunning } from '../launcher/running-stack.ts';

/** The broker of the stack that runs. @throws NotRunning with what to do instead */
export function findBrokerUrl(dataDir?: string): string {
  const running = findRunningStack(dataDir) as { stack: string; amqpUrl?: string | undefined };
  if (running.amqpUrl !== undefined) return running.amqpUrl;
  throw new NotRunning(`The ${running.stack} stack that runs has no broker: its events wait in the outboxes`);
}
