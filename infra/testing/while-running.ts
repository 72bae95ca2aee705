import { Supervised, type Observer, type Program } from '../launcher/supervised.ts';

// Tests are about the services: restarts are not, and a server that does not come up fails the test by itself.
export const nobody: Observer = {
  say: () => undefined,
  started: () => undefined,
  ended: () => undefined,
  gaveUp: () => undefined,
};

/** Runs programs, the last of which stands on those before it, for as long as the work lasts. */
export async function whileRunning<Result>(programs: Program[], work: () => Promise<Result>): Promise<Result> {
  const all = programs.map((program) => new Supervised(program, nobody));
  const killOnExit = () => all.forEach((one) => one.killNow());
  process.once('exit', killOnExit);
  try {
    for (const one of all) await one.start();
    return await work();
  } finally {
    for (const one of all.toReversed()) await one.stop();
    process.off('exit', killOnExit);
  }
}
