import { countOf, type Counted } from '../counted.ts';
import type { DlqArguments } from './arguments.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { Outcome } from './dead-letters.ts';

const maxReasonLength = 100;

/** What a command has done, and what it could not do. */
export function report(command: DlqArguments['command'], { letters, refused, silent, unread }: Outcome): string[] {
  const done = letters.length - refused;
  const refusals = silent ? [unanswered] : [`${refused} refused; they stay`];
  const lines: Record<typeof command, string[]> = {
    list: letters.length > 0 ? listing(letters) : ['There is nothing.'],
    show: letters.length > 0 ? letters.map(description) : ['There is nothing.'],
    replay: [`${done} given to their services again`, ...(refused > 0 ? refusals : [])],
    drop: [`${done} dropped`],
  };
  return [
    ...lines[command],
    ...unread.map((service) => `There is more of ${service} than is read at once: repeat it.`),
  ];
}

const unanswered =
  'The broker has not answered to the next one in time: is it short of memory or disk? That one and all after it stay ' +
  'where they are; nothing is lost. Repeat it when the broker accepts messages again.';

/** How many there are by service, type and reason, the most frequent first. */
export function listing(letters: DeadLetter[]): string[] {
  const counts = new Map<string, number>();
  for (const { service, type, reason } of letters) {
    const line = `${service.padEnd(12)} ${type.padEnd(22)} ${shortened(reason)}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts]
    .sort(([lineA, countA], [lineB, countB]) => countB - countA || lineA.localeCompare(lineB))
    .map(([line, count]) => `${String(count).padStart(7)}  ${line}`);
}

/** What waits, and is no dead letter, though nobody comes for it. */
export const untakenListing = (untaken: [queue: string, count: number | undefined][]): string[] =>
  untaken.map(([queue, count]) =>
    count === undefined
      ? `What waits in ${queue} is not known: RabbitMQ does not say. Ask again.`
      : `In ${queue} ${countOf(count, waitingMessages)} that no process takes.`,
  );

const waitingMessages: Counted = ['message waits', 'messages wait'];

/** Everything that is known of one. */
export function description(letter: DeadLetter): string {
  const { service, id, type, reason, firstFailure, retries, stack, content } = letter;
  return [
    `${type} ${id} for ${service}`,
    `  first failed  ${firstFailure}, then came again ${countOf(retries, ['time', 'times'])}`,
    `  reason        ${reason}`,
    ...(stack === undefined ? [] : [`  thrown        ${stack.replaceAll('\n', '\n                ')}`]),
    `  content       ${content}`,
  ].join('\n');
}

function shortened(reason: string): string {
  const line = reason.replaceAll(/\s+/g, ' ');
  return line.length > maxReasonLength ? `${line.slice(0, maxReasonLength - 1)}…` : line;
}
