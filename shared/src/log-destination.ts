import { write, writeSync } from 'node:fs';

const writeFromBytes = 16_000;
const writeEveryMs = 250;
const stalledAfterMs = 1_000;
/** What comes while so much waits is lost: nobody waits for a log. */
const maxWaitingBytes = 4 * 1024 * 1024;

export interface LogDestination {
  /** Takes a line; it is written soon, or lost. Never throws. */
  write(line: string): void;
}

/**
 * Writes lines to a file descriptor, many at a time and without blocking. A full disk, a closed descriptor, a reader that
 * is gone or has stopped: lines are lost then, the process does not notice, and when lines can be written again the
 * first one says how many are missing. (Pino's own destination ends the process with the first error, and repeats the
 * last write for ever when the process ends.)
 * @param onLost makes a line of how many were lost
 */
export function logDestination(fd: number, onLost: (count: number) => string): LogDestination {
  let lines: string[] = [];
  let waitingBytes = 0;
  let rest: Buffer | undefined;
  let writingSinceMs: number | undefined;
  let lost = 0;
  /** Lines that are lost if what is being written is: its own, and those that it says are missing. */
  let atStake = 0;

  const take = (): Buffer => {
    atStake = lines.length + lost;
    const taken = Buffer.from((lost > 0 ? onLost(lost) : '') + lines.join(''));
    lines = [];
    waitingBytes = 0;
    lost = 0;
    return taken;
  };
  let timer: NodeJS.Timeout | undefined;
  // Not for ever, every so often: most of ten processes at rest would wake up for nothing.
  const flushSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      flush();
    }, writeEveryMs).unref();
  };
  const flush = () => {
    if (writingSinceMs !== undefined || (rest === undefined && lines.length === 0 && lost === 0)) return;
    writingSinceMs = performance.now();
    const chunk = (rest ??= take());
    const onWritten = (error: NodeJS.ErrnoException | null, written: number) => {
      writingSinceMs = undefined;
      if (error) {
        if (error.code !== 'EAGAIN') {
          lost += atStake;
          rest = undefined;
        }
        return flushSoon();
      }
      rest = written < chunk.length ? chunk.subarray(written) : undefined;
      if (rest !== undefined || waitingBytes >= writeFromBytes) flush();
      else if (lines.length > 0 || lost > 0) flushSoon();
    };
    write(fd, chunk, onWritten);
  };

  process.once('exit', () => {
    // A reader that takes nothing any more would keep the process from ending.
    if (writingSinceMs !== undefined && performance.now() - writingSinceMs > stalledAfterMs) return;
    try {
      if (rest && writingSinceMs === undefined) writeSync(fd, rest);
      if (lines.length > 0) writeSync(fd, take());
    } catch {
      // Nobody is left who could be told.
    }
  });
  return {
    write(line) {
      if (waitingBytes + line.length > maxWaitingBytes) {
        lost += 1;
        return;
      }
      lines.push(line);
      waitingBytes += line.length;
      if (waitingBytes >= writeFromBytes) flush();
      else flushSoon();
    },
  };
}

/** Keeps the process alive when nobody takes what it prints past its log, Node's own warnings among it. */
export function ignoreLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
