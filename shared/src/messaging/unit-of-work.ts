import type { Tx } from '../db/lane-connection.ts';
import type { DomainEvent, EventType, NewEvent } from '@flash-sale/contract/events/schemas.ts';

/** What a decision may use besides its state: the one clock, and ways to say what follows. */
export interface Context {
  /** The database's clock at the start of the transaction: one clock for all instances. */
  readonly now: Date;
  /** Adds an event to the outbox of this transaction. */
  readonly emit: (event: NewEvent) => void;
  /** Runs once the transaction is committed; never if it is not. Must not throw. */
  readonly afterCommit: (action: () => void) => void;
}

/** One item of a batch: a command from a route of this service, or an event from any service. */
export type Work<Events extends EventType = EventType, Inputs = Record<string, unknown>> =
  | { [N in keyof Inputs]: { kind: 'command'; name: N; input: Inputs[N] } }[keyof Inputs]
  | { kind: 'event'; event: DomainEvent<Events>; prepared?: unknown };

/** A command's decision: the answer is a value, refusals included. */
export type Command<State, Input, Result> = (input: Input, state: State, context: Context) => Result;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the table's own type names inputs and results
export type Commands<State> = Record<string, Command<State, any, unknown>>;
export type InputsOf<C> = { [N in keyof C]: C[N] extends (input: infer I, ...rest: never[]) => unknown ? I : never };
export type ResultOf<C, N extends keyof C> = C[N] extends (...args: never[]) => infer R ? R : never;

/** The whole table of events that a service handles. */
export type Handlers<State, Events extends EventType> = {
  [T in Events]: (event: DomainEvent<T>, state: State, context: Context, prepared: unknown) => void;
};

/**
 * How one service works on a batch, always in the same three steps: load what the batch touches, locked in the order
 * of ids; decide item by item on that state, purely; save what has changed. Inbox, outbox, commit and the splitting of
 * a failed batch are the same for all and stand in lane.ts.
 */
export interface UnitOfWork<State, Events extends EventType, C extends Commands<State>> {
  /** All statements must be sent before the first await, so that they share a round trip with BEGIN. */
  load(tx: Tx, batch: Work<Events, InputsOf<C>>[]): Promise<State>;
  /** Sends what has changed. `afterCommit` as in Context. */
  save(tx: Tx, state: State, afterCommit: Context['afterCommit']): void;
  /** Hears that a transaction has failed, or that nobody knows whether it was committed. Must not throw. */
  failed?(): void;
  handlers: Handlers<State, Events>;
  commands: C;
  /** Commands that bring in new work, and are refused while too much of it waits behind them. */
  sheddable?: (keyof C & string)[];
  /** Commands that do harm if what follows from them does not come to its end, and are refused while nothing does. */
  refusedWhileStalled?: (keyof C & string)[];
  /**
   * What must happen outside any transaction before an event is handled, such as asking the payment gateway. It may be
   * slow and may run more than once for the same event. If it throws, the event stays undelivered and comes again.
   */
  prepare?: { [T in Events]?: (event: DomainEvent<T>) => Promise<unknown> };
}
