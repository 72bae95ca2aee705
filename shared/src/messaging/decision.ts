import type { NewEvent } from '@flash-sale/contract/events/schemas.ts';

/** What a decision may depend on besides its input and its state. */
export interface Context {
  /** The database's clock at the start of the transaction: one clock for all instances. */
  readonly now: Date;
  /**
   * Whether an id is so old that the inbox may have forgotten the events about it: a repeat would no longer be recognised, and if
   * the row with that id is missing, it has ended and was removed.
   */
  readonly isForgotten: (id: string) => boolean;
  /** What brought it about, for whoever follows a purchase from one thing to the next, where that is known; nothing is decided by it. */
  readonly origin?: string | undefined;
}

/** The result of a decision: the events that follow, and whatever its caller is told. What it changes is in the state. */
export interface Result {
  readonly events: readonly NewEvent[];
}

/** An expected refusal, one for each reason. */
export interface Refused<Reason extends string> extends Result {
  readonly refusal: Reason;
}

/**
 * The shape of every decision, about commands and events alike. Pure: it reads its arguments only, and changes nothing but the
 * state, which is saved once the whole batch is decided. Throws only for bugs.
 */
export type Decision<Input, State, R extends Result = Result> = (input: Input, state: State, context: Context) => R;

/** Nothing follows. */
export const nothing: Result = { events: [] };

export const refuse = <Reason extends string>(refusal: Reason): Refused<Reason> => ({ refusal, events: [] });
