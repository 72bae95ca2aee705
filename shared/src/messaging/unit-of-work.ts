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

/** Every event that a service handles, with its decision. `prepared` is the result of `prepare` for the event. */
export type Handlers<State, Events extends EventType> = {
  [T in Events]: (data: EventData<T>, state: State, context: Context, prepared: unknown) => Result;
};

/**
 * How a service works on a batch, always in the same three steps: load the rows that the batch touches, locked in the order of
 * their ids; decide item by item on that state, purely; save what has changed. Inbox, outbox, commit and the splitting of failed
 * batches are the same for all services and are in lane.ts.
 */
export interface UnitOfWork<State, Events extends EventType, C extends Commands<State>> {
  /** All statements must be sent before the first await, so that they share a round trip with BEGIN. */
  load(tx: Tx, batch: Work<Events, InputsOf<C>>[]): Promise<State>;
  /** Sends what has changed. */
  save(tx: Tx, state: State): void;
  /** Whose rows routes show that are to be saved, some perhaps twice; for services whose routes read from replicas. */
  shoppersOf?(state: State): string[];
  /** Runs after the commit: the one place for effects that must not happen without it. Must not throw. */
  committed?(state: State): void;
  /**
   * Runs after a transaction has failed, or when its outcome is unknown. Must not throw.
   * @param state what it was to save; undefined if it failed before that
   */
  failed?(state: State | undefined): void;
  handlers: Handlers<State, Events>;
  commands: C;
  /** Commands that create new work, and are refused while too much of it is waiting. */
  sheddable?: (keyof C & string)[];
  /** Commands that do harm unless their follow-ups complete, and are refused while none do. */
  refusedWhileStalled?: (keyof C & string)[];
  /**
   * Work outside any transaction that an event needs before it is handled, such as a call to the payment gateway. It may be slow
   * and may run more than once for the same event. If it throws, the event is delivered again.
   */
  prepare?: { [T in Events]?: (event: DomainEvent<T>) => Promise<unknown> };
}
