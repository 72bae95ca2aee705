import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ChannelModel } from 'amqplib';

const connectWithinMs = 5_000;
const setUpWithinMs = 30_000;
const closeWithinMs = 1_000;
const heartbeatSeconds = 10;
const minPauseMs = 100;
/** A broker that is back should be found at once; asking one that is not costs next to nothing. */
const maxPauseMs = 500;

export interface AmqpConnectionOptions {
  url: string;
  /** Shown in the broker's list of connections. */
  name: string;
  /** Opens channels on a new connection. @param lose to be called when one of them is lost: everything is made anew */
  setUp: (model: ChannelModel, lose: (error: Error) => void) => Promise<void>;
  onUp: () => void;
  /** Called after each failed attempt, too. */
  onDown: (error: Error) => void;
}

/**
 * A connection that is made anew for ever, with growing pauses, until it is closed. amqplib's own recovery waits for the
 * goodbye of a connection whose set-up failed, and never tries again if the broker dies before it has said it.
 */
export class AmqpConnection {
  readonly #options: AmqpConnectionOptions;
  readonly #stopping = new AbortController();
  #model: ChannelModel | undefined;

  constructor(options: AmqpConnectionOptions) {
    this.#options = options;
  }

  /** Resolves when the first attempt has succeeded or failed. To be called once. */
  open(): Promise<void> {
    return new Promise((resolve) => void this.#keepUp(resolve));
  }

  /** Never rejects; a broker that is silent is not waited for. */
  async close(): Promise<void> {
    this.#stopping.abort();
    const goodbye = this.#model?.close().catch(() => {});
    await Promise.race([goodbye, sleep(closeWithinMs, undefined, { ref: false })]);
  }

  async #keepUp(onOutcome: () => void): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const lost = await this.#connectOnce(() => {
        failures = 0;
        onOutcome();
      });
      if (signal.aborted) break;
      this.#options.onDown(lost);
      onOutcome();
      const pauseMs = Math.min(minPauseMs * 2 ** failures, maxPauseMs) * (0.5 + Math.random() / 2);
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
    onOutcome();
  }

  /** @returns why it could not be made, or why it ended */
  async #connectOnce(onUp: () => void): Promise<Error> {
    const { url, name, setUp } = this.#options;
    let model: ChannelModel | undefined;
    try {
      model = await connect(withHeartbeat(url), {
        noDelay: true,
        timeout: connectWithinMs,
        clientProperties: { connection_name: name },
      });
      const ended = Promise.withResolvers<Error>();
      model.on('error', () => {}); // 'close' follows, with the same error
      model.once('close', (error?: Error) => ended.resolve(error ?? new Error('connection closed')));
      gatherWrites(model);
      await Promise.race([
        // A lost connection takes its channels along first, and knows better why.
        setUp(model, (error) => setImmediate(() => ended.resolve(error))),
        ended.promise.then((error) => Promise.reject(error)),
        sleep(setUpWithinMs, undefined, { ref: false }).then(() =>
          Promise.reject(new Error('no answer to the set-up')),
        ),
      ]);
      if (this.#stopping.signal.aborted) return new Error('closed');
      this.#model = model;
      this.#options.onUp();
      onUp();
      return await ended.promise;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#model = undefined;
      model?.close().catch(() => {});
    }
  }
}

/** The time after which silence means that the other side is gone. */
function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(heartbeatSeconds));
  return parsed.href;
}

/** amqplib writes message by message, and each write is a system call; gathered, those of one turn are one. */
function gatherWrites(model: ChannelModel): void {
  const { stream } = model.connection as { stream?: NodeJS.WritableStream & { cork?(): void; uncork?(): void } };
  if (!stream?.cork || !stream.uncork) return;
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let gathering = false;
  stream.write = (...args: unknown[]) => {
    if (!gathering) {
      gathering = true;
      stream.cork!();
      process.nextTick(() => {
        gathering = false;
        stream.uncork!();
      });
    }
    return write(...args);
  };
}
