import type { Spread } from './figures.ts';
import type { Row, Summary } from './summary.ts';

/* How single figures are written. */

export const footnote =
  '* Of what, the study does not say: neither the figure nor its winner can be held against ours.';

export function theirsText({ theirs, unlikeStudy }: Row, stack: string): string {
  const figure = theirs?.[stack];
  return figure === undefined ? '–' : `${figure.toLocaleString('en-US')}${unlikeStudy ? ' *' : ''}`;
}

export function rowName({ metric, unit }: Row): string {
  return unit === '' ? metric : `${metric} (${unit})`;
}

export function spreadText(spread: Spread | undefined, digits: number): string {
  if (!spread) return '–';
  const [mean, min, max] = [spread.mean, spread.min, spread.max].map((value) => numberText(value, digits));
  return spread.runs > 1 ? `${mean} (${min}–${max})` : `${mean} (one run)`;
}

export function numberText(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Requests/s of the yardsticks that belong to a stack: those before and after it, or of all rounds. */
export function yardsticksText({ paired, yardsticks, yardstickRounds }: Summary, stack: string): string {
  const text = (rate: number | undefined) => (rate === undefined ? 'missing' : numberText(rate, 0));
  if (paired) return yardstickRounds.length > 0 ? yardstickRounds.map(text).join(', ') : 'missing';
  return `${text(yardsticks[stack]?.before)}, ${text(yardsticks[stack]?.after)}`;
}

export function enumerated(items: string[]): string {
  return items.join(', ').replace(/, ([^,]*)$/, items.length > 2 ? ', and $1' : ' and $1');
}
