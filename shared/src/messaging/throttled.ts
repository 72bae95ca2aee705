/**
 * The action at most once in `everyMs`: at once for the first who asks, and for all who ask meanwhile once more when the
 * time is over, so that what the last of them has seen is not missed. What is left to do keeps no process alive.
 */
export function throttled(action: () => void, everyMs: number): () => void {
  let lastMs = -Infinity;
  let waiting: NodeJS.Timeout | undefined;
  const run = () => {
    waiting = undefined;
    lastMs = performance.now();
    action();
  };
  return () => {
    if (waiting) return;
    const waitMs = lastMs + everyMs - performance.now();
    if (waitMs <= 0) run();
    else waiting = setTimeout(run, waitMs).unref();
  };
}
