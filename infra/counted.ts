/** What is counted: one of it, and several. */
export type Counted = readonly [one: string, several: string];

/** As in "1 process" and "2 processes". */
export const countOf = (count: number, what: Counted): string => `${count} ${nounOf(count, what)}`;

export const nounOf = (count: number, [one, several]: Counted): string => (count === 1 ? one : several);
