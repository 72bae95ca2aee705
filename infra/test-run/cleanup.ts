/** What has to be undone before a test run ends, however it ends. */
export class Cleanup {
  /** Set when somebody has asked the run to stop. */
  interrupted = false;
  readonly #steps: (() => Promise<void> | void)[] = [];
  #running: Promise<void> = Promise.resolve();

  /** Remembers a step, and hands `value` through. */
  add<Value>(step: () => Promise<void> | void, value: Value): Value {
    this.#steps.push(step);
    return value;
  }

  /** Last made, first undone. Steps added since then need another call. */
  run(): Promise<void> {
    this.#running = this.#running.then(async () => {
      for (let step = this.#steps.pop(); step; step = this.#steps.pop()) await step();
    });
    return this.#running;
  }

  /** Ends the tool that runs now; whoever waits for it sees `interrupted`, and goes on to the end. */
  onSignals(): void {
    const interrupt = () => {
      this.interrupted = true;
      void this.run();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
    // Whoever started us is gone without a word.
    if (process.channel) process.on('disconnect', interrupt);
  }
}
