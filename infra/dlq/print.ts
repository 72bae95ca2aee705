import type { DeadLetter } from './dead-letter.ts';

const longestReason = 100;

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

/** Everything that is known of one. */
export function description(letter: DeadLetter): string {
  const { service, id, type, reason, firstFailure, retries, stack, content } = letter;
  return [
    `${type} ${id} for ${service}`,
    `  first failed  ${firstFailure}, then came again ${retries} times`,
    `  reason        ${reason}`,
    ...(stack === undefined ? [] : [`  thrown        ${stack.replaceAll('\n', '\n                ')}`]),
    `  content       ${content}`,
  ].join('\n');
}

function shortened(reason: string): string {
  const line = reason.replaceAll(/\s+/g, ' ');
  return line.length > longestReason ? `${line.slice(0, longestReason - 1)}…` : line;
}
