import type { NewEvent } from '@flash-sale/contract/events/schemas.ts';

/** What a decision may use besides its input and its state: nothing else that differs from one run to the next. */
export interface Context {
  /** The database's clock at the start of the transaction: one clock for all instances. */
  readonly now: Date;
  /**
   * Whether an id is older than the inbox remembers. A repeat of an event about it would not be recognised any more, and
   * what should bear it and is not there has ended and was removed.
   */
  readonly isForgotten: (id: string) => boolean;
}

/**
 * What a decision comes to: the events that follow, beside what its caller is told, if anything. What it has changed
 * stands in the state.
 */
export interface Result {
  readonly events: readonly NewEvent[];
}

/** An expected refusal, one for each reason. */
export interface Refused<Reason extends string> extends Result {
  readonly refusal: Reason;
}

/**
 * The one shape of every decision, of commands and events alike. Pure: it reads its arguments, and changes nothing but the
 * state, whose changes are saved once the whole batch is decided. What it throws is a bug.
 */
export type Decision<Input, State, R extends Result = Result> = (input: Input, state: State, context: Context) => R;

/** Nothing follows. */
export const nothing: Result = { events: [] };

export const refuse = <Reason extends string>(refusal: Reason): Refused<Reason> => ({ refusal, events: [] });
