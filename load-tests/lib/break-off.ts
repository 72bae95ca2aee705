/** Aborts at the first Ctrl-C or request to end, so that what runs can be stopped in order. A second one ends at once. */
export function brokenOffBySignals(): AbortSignal {
  const breakOff = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => breakOff.abort(new Error(`stopped by ${signal}`)));
  }
  return breakOff.signal;
}
