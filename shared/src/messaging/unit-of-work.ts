import type { Tx } from '../db/lane-connection.ts';
import type { DomainEvent, EventData, EventType } from '@flash-sale/contract/events/schemas.ts';
import type { Context, Decision, Result } from './decision.ts';

/** One item of a batch: a command from a route of this service, or an event from any service. */
export type Work<Events extends EventType = EventType, Inputs = Record<string, unknown>> =
  | { [N in keyof Inputs]: { kind: 'command'; name: N; input: Inputs[N] } }[keyof Inputs]
  | { kind: 'event'; event: DomainEvent<Events>; prepared?: unknown };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the table's own type names inputs and results
export type Commands<State> = Record<string, Decision<any, State>>;
export type InputsOf<C> = { [N in keyof C]: C[N] extends (input: infer I, ...rest: never[]) => unknown ? I : never };
export type ResultOf<C, N extends keyof C> = C[N] extends (...args: never[]) => infer R ? R : never;

/** The whole table of events that a service handles. `prepared` is what `prepare` has answered for the event. */
export type Handlers<State, Events extends EventType> = {
  [T in Events]: (data: EventData<T>, state: State, context: Context, prepared: unknown) => Result;
};

/**
 * How one service works on a batch, always in the same three steps: load what the batch touches, locked in the order
 * of ids; decide item by item on that state, purely; save what has changed. Inbox, outbox, commit and the splitting of
 * a failed batch are the same for all and stand in lane.ts.
 */
export interface UnitOfWork<State, Events extends EventType, C extends Commands<State>> {
  /** All statements must be sent before the first await, so that they share a round trip with BEGIN. */
  load(tx: Tx, batch: Work<Events, InputsOf<C>>[]): Promise<State>;
  /** Sends what has changed. */
  save(tx: Tx, state: State): void;
  /** Runs once what was saved is committed: the one place for what must not happen otherwise. Must not throw. */
  committed?(state: State): void;
  /**
   * Hears that a transaction has failed, or that nobody knows whether it was committed. Must not throw.
   * @param state what it was to save, undefined when it had not come so far
   */
  failed?(state: State | undefined): void;
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
