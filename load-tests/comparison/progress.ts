/** How far a sequence of steps has got. Time is given to it, in milliseconds. */
export class Progress {
  private done = 0;
  private stepStartedAtMs = 0;
  private readonly expectedSeconds: number[];

  constructor(expectedSeconds: number[]) {
    this.expectedSeconds = expectedSeconds;
  }

  /** The next step begins, and the one before has ended. */
  begin(nowMs: number): void {
    if (this.stepStartedAtMs > 0) this.done++;
    this.stepStartedAtMs = nowMs;
  }

  /** A step that takes longer than it should counts as about to end: time left never grows. */
  secondsLeft(nowMs: number): number {
    const [current = 0, ...later] = this.expectedSeconds.slice(this.done);
    const inStep = this.stepStartedAtMs > 0 ? (nowMs - this.stepStartedAtMs) / 1_000 : 0;
    return Math.max(0, current - inStep) + sum(later);
  }

  /** From 0 to 1. */
  share(nowMs: number): number {
    const total = sum(this.expectedSeconds);
    return total === 0 ? 1 : 1 - this.secondsLeft(nowMs) / total;
  }
}

const barWidth = 24;

/** `████████░░░░  42 %  7 min left  what is done`, no longer than the terminal is wide. */
export function barOf(share: number, secondsLeft: number, what: string, columns: number): string {
  const full = Math.round(share * barWidth);
  const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
  return `${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${timeLeft(secondsLeft)} left  ${what}`.slice(
    0,
    Math.max(0, columns - 1),
  );
}

export function timeLeft(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}

const redrawEveryMs = 500;
/** For a terminal that does not know how wide it is. */
const usualColumns = 80;

export interface ProgressReporter extends Disposable {
  /** The next step begins. */
  begin(what: string): void;
  /** A line that stays. */
  say(line: string): void;
}

/** A bar that is drawn anew on a terminal; elsewhere one line for each step. */
export function reportProgress(output: NodeJS.WriteStream, expectedSeconds: number[]): ProgressReporter {
  const progress = new Progress(expectedSeconds);
  let what = '';
  const clear = () => output.isTTY && output.write('\r\x1b[K');
  const draw = () => {
    const now = Date.now();
    clear();
    output.write(barOf(progress.share(now), progress.secondsLeft(now), what, output.columns || usualColumns));
  };
  const timer = output.isTTY ? setInterval(draw, redrawEveryMs) : undefined;
  return {
    begin(next) {
      progress.begin(Date.now());
      what = next;
      if (output.isTTY) draw();
      else output.write(`${what} (about ${timeLeft(progress.secondsLeft(Date.now()))} left)\n`);
    },
    say(line) {
      clear();
      output.write(`${line}\n`);
      if (output.isTTY) draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      clear();
    },
  };
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
