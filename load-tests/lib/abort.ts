import { sameKeyPressMs } from '../../infra/launcher/key-press.ts';

/** Aborts at the first Ctrl-C or request to end, so that what runs can be stopped in order. A second one ends at once. */
export function abortedBySignals(): AbortSignal {
  const abort = new AbortController();
  let askedAtMs: number | undefined;
  const onSignal = (signal: string) => {
    const now = Date.now();
    if (askedAtMs === undefined) {
      askedAtMs = now;
      abort.abort(new Error(`stopped by ${signal}`));
    } else if (now - askedAtMs > sameKeyPressMs) process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return abort.signal;
}

/** Why something ended before its time: what was thrown may only be how it noticed that it was aborted. */
export function reasonOf(error: unknown, signal: AbortSignal): Error {
  const reason: unknown = signal.aborted ? signal.reason : error;
  return reason instanceof Error ? reason : new Error(String(reason));
}
