/**
 * A process that computes argon2id for the service that has started it (hash-process.ts), and ends with it. All others go first: a
 * crowd that logs in must not slow down a sale.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { argon2id, type Derivation } from './argon2.ts';

export interface HashRequest {
  id: number;
  of: Derivation;
}
export type HashReply = { ready: true } | { id: number; hash: Uint8Array } | { id: number; error: string };

const priority = constants.priority.PRIORITY_BELOW_NORMAL;
const tellAgainMs = 150;
const tellAtMost = 20;

/** On Linux each thread has a priority of its own; those that begin later have that of who began them. */
function giveWay(): void {
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [process.pid];
  for (const thread of threads) if (getPriority(thread) < priority) setPriority(thread, priority);
}

/**
 * Where Linux weighs sessions against each other (autogroup), a priority counts within a session only. This one has a session of its
 * own, which is given the same weight. The kernel takes one such change in a tenth of a second, whoever asks.
 */
function giveWayAsSession(triesLeft = tellAtMost): void {
  try {
    writeFileSync('/proc/self/autogroup', String(priority));
  } catch (error) {
    const isBusy = (error as NodeJS.ErrnoException).code === 'EAGAIN';
    if (isBusy && triesLeft > 0) setTimeout(giveWayAsSession, tellAgainMs, triesLeft - 1);
  }
}

const reply = (message: HashReply) => process.send?.(message);

process.once('disconnect', () => process.exit());
process.on('message', ({ id, of }: HashRequest) => {
  argon2id.derive(of).then(
    (hash) => reply({ id, hash }),
    (error: unknown) => reply({ id, error: String(error) }),
  );
});
giveWay();
giveWayAsSession();
reply({ ready: true });
