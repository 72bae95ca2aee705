import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@flash-sale/contract/errors.ts';
import type { Logger } from '../log.ts';
import { isAway, isConflict, isUnavailable, isUniqueViolation } from '../db/connection.ts';
import type { LaneConnection, Statement, Tx } from '../db/lane-connection.ts';
import type { DomainEvent, EventType } from '@flash-sale/contract/events/schemas.ts';
import { isOlderThan } from '../ids.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { reasonOf } from '../reason-of.ts';
import type { Positions } from '../redis/positions.ts';
import { running } from '../tracing/running.ts';
import type { OpenSpan } from '../tracing/span.ts';
import { traceparentOf } from '../tracing/trace-context.ts';
import type { LocalRoot, Tracing } from '../tracing/tracing.ts';
import { Batcher } from './batcher.ts';
import type { Context, Result } from './decision.ts';
import { contextOf, textOfContexts, type EventContext } from './event-context.ts';
import { Outgoing, type Origin } from './outgoing.ts';
import type { Failure, FollowUps, Intake, OutboxRecord } from './transport.ts';
import type { Commands, InputsOf, ResultOf, UnitOfWork, Work } from './unit-of-work.ts';

/** Also returns the time, since a statement of its own would cost another message to and from PostgreSQL. */
const enterInbox: Statement = {
  name: 'enter-inbox',
  text: `WITH entered AS (
           INSERT INTO inbox (event_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING event_id)
         SELECT clock_timestamp() AS now, ARRAY(SELECT event_id::text FROM entered) AS fresh`,
};
const insertOutbox: Statement = {
  name: 'insert-outbox',
  text: `INSERT INTO outbox (id, events, contexts, process_id, next_attempt_at)
         SELECT id, events::json, contexts::json, CASE WHEN NOT handed THEN $5::uuid END,
                clock_timestamp() + CASE WHEN handed THEN $7::float8 ELSE $6::float8 END * interval '1 millisecond'
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[]) r (id, events, contexts, handed)`,
};
const deleteOutbox: Statement = { name: 'delete-outbox', text: 'DELETE FROM outbox WHERE id = ANY($1::uuid[])' };

const conflictRetries = 3;
const overloadedRetryAfterSeconds = 5;
/** How long an acknowledgement may wait for a transaction to join. */
const acknowledgeWithinMs = 150;
const acknowledgeAgainAfterMs = 1_000;
/** Shorter waits for a transaction are not told of. */
const shortestWaitMs = 1;

interface Item<E extends EventType, Inputs> {
  /** Undefined for an item that only flushes acknowledgements. */
  work: Work<E, Inputs> | undefined;
  origin: Origin;
  /** Of what follows from it; where it is traced, that of its span goes first. */
  context?: EventContext | undefined;
  trace?: ItemTrace | undefined;
}
interface ItemTrace {
  root: LocalRoot;
  /** Of the command, or of the whole handling of an event. */
  span: OpenSpan;
  /** Since when it waits for a transaction, until that is told. */
  waitsSinceMs: number | undefined;
}
interface Done {
  result: unknown;
  delivered: Promise<void>;
}

export interface LaneOptions<S, E extends EventType, C extends Commands<S>> {
  service: ServiceName;
  connection: LaneConnection;
  unitOfWork: UnitOfWork<S, E, C>;
  /** Hands records over after commit; must not reject. */
  deliver: (records: OutboxRecord[]) => Promise<void>;
  log: Logger;
  maxItems: number;
  maxQueued: number;
  /** How long a record of a process without a lease is left to it. */
  outboxGraceMs: number;
  /** How long a record is left to the sender to whom it was returned, which may die; `outboxGraceMs` unless given. */
  handoverMs?: number;
  /** How long the inbox remembers events, for `Context.isForgotten`; for ever unless given. */
  inboxRetentionMs?: number;
  /** The owner of the records that are delivered from here, as in ProcessLease; none unless given. */
  holder?: () => string | null;
  /** Whether so much is waiting to be delivered or handled that sheddable commands are refused. */
  isOverloaded?: () => boolean;
  /** Whether follow-ups cannot complete at present, so that commands which rely on them are refused. */
  isStalled?: () => boolean;
  /** Called after each committed transaction. */
  onBatch?: (items: number, ms: number) => void;
  tracing?: Tracing | undefined;
  /** Where replicas are read. */
  positions?: Positions | undefined;
}

/**
 * The one way in which a service changes its database: every command and every event of a process passes through here,
 * grouped into transactions together with inbox and outbox. One lane a process: larger batches, fewer lock waits, and
 * no deadlock among its own transactions.
 */
export class Lane<S, E extends EventType, C extends Commands<S>> implements Pick<
  Intake,
  'service' | 'receive' | 'acknowledge'
> {
  readonly service: ServiceName;
  readonly #options: LaneOptions<S, E, C>;
  readonly #batcher: Batcher<Item<E, InputsOf<C>>, Done>;
  readonly #localOrigin: Origin = { deliver: true, records: [] };
  #acknowledged: string[] = [];
  #acknowledgeTimer: NodeJS.Timeout | undefined;

  constructor(options: LaneOptions<S, E, C>) {
    this.service = options.service;
    this.#options = options;
    this.#batcher = new Batcher({
      flush: (items) => this.#flush(items),
      maxItems: options.maxItems,
      maxQueued: options.maxQueued,
      shouldSplit: (error) => !isUnavailable(error) && !(error instanceof AppError),
    });
  }

  get queued(): number {
    return this.#batcher.queued;
  }

  /** How long the oldest command or event has waited that is neither committed nor failed, in ms; 0 where none waits. */
  waitingMs(nowMs?: number): number {
    return this.#batcher.waitingMs(nowMs);
  }

  /**
   * Decides a command and commits it.
   * @returns the decision's result; `delivered` resolves when delivery of its events has done all it can
   * @throws AppError unavailable, overloaded
   */
  async run<N extends keyof C & string>(
    name: N,
    input: InputsOf<C>[N],
  ): Promise<{ result: ResultOf<C, N>; delivered: Promise<void> }> {
    this.#refuseIfVain(name);
    const work = { kind: 'command', name, input } as Work<E, InputsOf<C>>;
    const trace = this.#traceOf(name, input);
    try {
      const done = await this.#batcher.run({ work, origin: this.#localOrigin, trace });
      trace?.span.end();
      return { result: done.result as ResultOf<C, N>, delivered: done.delivered };
    } catch (error) {
      trace?.span.end({ failure: reasonOf(error) });
      if (!isUnavailable(error) && !isConflict(error)) throw error;
      throw new AppError(
        'unavailable',
        'The database cannot be reached right now, and it is not known whether the request took effect. With an Idempotency-Key repeat it as it is; without one look first.',
        {
          cause: error,
        },
      );
    }
  }

  #traceOf(command: string, input: unknown): ItemTrace | undefined {
    const root = running.getStore();
    if (!root) return undefined;
    const span = root.begin(command);
    if (typeof input === 'object' && input !== null) span.subject = input;
    return { root, span, waitsSinceMs: span.startedAtMs };
  }

  async receive(events: DomainEvent[], followUps: FollowUps) {
    const origin: Origin = followUps === 'deliver' ? this.#localOrigin : { deliver: false, records: [] };
    const failures: Failure[] = [];
    const deliveries: Promise<void>[] = [];
    await Promise.all(
      events.map(async (event) => {
        const root = this.#options.tracing?.beginHandling(this.service, event, contextOf(event));
        try {
          const done = await this.#handle(event as DomainEvent<E>, origin, root);
          deliveries.push(done.delivered);
          if (root) this.#options.tracing?.endHandling(root);
        } catch (error) {
          const failure = this.#failureOf(event, error, root?.traceId);
          failures.push(failure);
          // Where nothing can be handled at all, nothing was tried, and all of it comes again and again.
          if (root && (failure.kind !== 'unreachable' || root.isWanted))
            this.#options.tracing?.endHandling(root, {
              failure: failure.reason,
              isPutAside: failure.kind === 'poison',
            });
        }
      }),
    );
    return {
      failures,
      records: followUps === 'deliver' ? [] : origin.records,
      delivered: Promise.all(deliveries).then(() => {}),
    };
  }

  acknowledge(recordIds: string[]): void {
    this.#acknowledged.push(...recordIds);
    this.#acknowledgeSoon(acknowledgeWithinMs);
  }

  #acknowledgeSoon(afterMs: number): void {
    this.#acknowledgeTimer ??= setTimeout(() => {
      this.#acknowledgeTimer = undefined;
      if (this.#acknowledged.length === 0) return;
      // What failed stays in #acknowledged, and there may be no other transaction to join.
      const again = () => this.#acknowledgeSoon(acknowledgeAgainAfterMs);
      this.#batcher.run({ work: undefined, origin: this.#localOrigin }).catch(again);
    }, afterMs).unref(); // repeated while the database is away, it must not keep a finished process alive
  }

  /** Resolves when everything accepted so far is committed or failed, acknowledgements included. */
  async drained(): Promise<void> {
    clearTimeout(this.#acknowledgeTimer);
    if (this.#acknowledged.length > 0)
      await this.#batcher.run({ work: undefined, origin: this.#localOrigin }).catch(() => {});
    await this.#batcher.drained();
  }

  /** @throws AppError overloaded */
  #refuseIfVain(name: keyof C & string): void {
    const { unitOfWork, isOverloaded, isStalled } = this.#options;
    const { sheddable = [], refusedWhileStalled = [] } = unitOfWork;
    const refuse = (why: string) => {
      const retry = { retryAfterSeconds: overloadedRetryAfterSeconds };
      throw new AppError('overloaded', `${why}. Nothing was changed; try again shortly.`, retry);
    };
    if (sheddable.includes(name) && isOverloaded?.()) refuse('Too much is still to be done');
    if (refusedWhileStalled.includes(name) && isStalled?.()) refuse('What is accepted now could not be completed');
  }

  async #handle(event: DomainEvent<E>, origin: Origin, root: LocalRoot | undefined): Promise<Done> {
    const prepare = this.#options.unitOfWork.prepare?.[event.type] as
      ((e: typeof event) => Promise<unknown>) | undefined;
    const prepared = await (root && prepare ? running.run(root, () => prepare(event)) : prepare?.(event));
    const trace = root && { root, span: root.span, waitsSinceMs: performance.now() };
    return this.#batcher.run({ work: { kind: 'event', event, prepared }, origin, context: contextOf(event), trace });
  }

  #failureOf(event: DomainEvent, error: unknown, traceId: string | undefined): Failure {
    const { log } = this.#options;
    const reason = reasonOf(error).slice(0, 500);
    const about = { eventId: event.id, eventType: event.type, ...(traceId === undefined ? {} : { traceId }) };
    if (isAway(error) || (error instanceof AppError && error.code === 'overloaded')) {
      // Everything that arrives meanwhile fails repeatedly; the transport logs what becomes of it.
      log.debug({ ...about, reason }, 'event not handled yet');
      return { eventId: event.id, kind: 'unreachable', reason };
    }
    if (error instanceof AppError || isUnavailable(error) || isConflict(error)) {
      log.warn({ ...about, reason }, 'event not handled yet');
      return { eventId: event.id, kind: 'transient', reason };
    }
    log.error({ ...about, err: error }, 'event cannot be handled');
    const stack = error instanceof Error ? error.stack?.slice(0, 4_000) : undefined;
    return { eventId: event.id, kind: 'poison', reason, ...(stack === undefined ? {} : { stack }) };
  }

  async #flush(items: Item<E, InputsOf<C>>[]): Promise<Done[]> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#transact(items);
      } catch (error) {
        // A unique violation of a single item is a race lost to another instance; the retry sees the winner's row.
        const again = isConflict(error) || (items.length === 1 && isUniqueViolation(error));
        if (!again || attempt >= conflictRetries) throw error;
        await sleep(Math.random() * 10 * 2 ** attempt);
      }
    }
  }

  async #transact(items: Item<E, InputsOf<C>>[]): Promise<Done[]> {
    const { unitOfWork, connection, service, log, positions, inboxRetentionMs = Infinity } = this.#options;
    const startedAt = performance.now();
    const acknowledged = this.#acknowledged.splice(0);
    const work = items.flatMap((item) => (item.work ? [item.work] : []));
    const eventIds = work.flatMap((w) => (w.kind === 'event' ? [w.event.id] : [])).sort();
    const outgoing = new Outgoing(service, this.#localOrigin, unitOfWork.prepare ?? {});
    const batch = this.#beginBatch(items, startedAt);
    let results: unknown[] = items.map(() => undefined);
    let saved: { state: S } | undefined;
    /** Of whom Redis knows that something of theirs may be committed. */
    let shoppers: string[] = [];
    const told = work.length > 0 && unitOfWork.shoppersOf ? positions : undefined;
    const onCommit = told && ((position: number) => told.changed(shoppers, position));
    try {
      await connection.transaction(async (tx) => {
        if (work.length > 0) {
          const [now, fresh, state] = await this.#begin(tx, eventIds, work);
          const context: Context = { now, isForgotten: (id) => isOlderThan(id, inboxRetentionMs, now) };
          results = items.map((item) => {
            const own = contextOfFollowUps(item);
            const of = own ? { ...context, origin: own.traceparent } : context;
            const result = item.work && this.#decide(item.work, state, fresh, of);
            for (const event of result?.events ?? []) outgoing.add(event, item.origin, now, own);
            return result;
          });
          saved = { state };
          if (told) {
            const changing = [...new Set(unitOfWork.shoppersOf?.(state))];
            if (await told.changing(changing)) shoppers = changing;
          }
          unitOfWork.save(tx, state);
          this.#writeOutbox(tx, outgoing);
        }
        if (acknowledged.length > 0) tx.write(deleteOutbox, [acknowledged.sort()]);
      }, onCommit);
    } catch (error) {
      this.#acknowledged.push(...acknowledged);
      batch?.end({ failure: reasonOf(error) });
      unitOfWork.failed?.(saved?.state);
      throw error;
    }
    batch?.end();
    if (saved) unitOfWork.committed?.(saved.state);
    const ms = performance.now() - startedAt;
    this.#options.onBatch?.(work.length, ms);
    log.debug({ items: items.length, ms: Math.round(ms * 10) / 10 }, 'batch');
    const own = outgoing.handOver();
    const delivered = own.length > 0 ? this.#options.deliver(own) : Promise.resolve();
    return results.map((result) => ({ result, delivered }));
  }

  /** Tells of each item how long it has waited, and of the transaction for all of them. */
  #beginBatch(items: Item<E, InputsOf<C>>[], startedAtMs: number): OpenSpan | undefined {
    const { tracing } = this.#options;
    if (!tracing) return undefined;
    const traces = items.flatMap(({ trace }) => trace ?? []);
    for (const trace of traces) {
      const { root, span, waitsSinceMs = startedAtMs } = trace;
      trace.waitsSinceMs = undefined;
      span.attributes['flash_sale.batch.items'] = items.length;
      if (startedAtMs - waitsSinceMs >= shortestWaitMs)
        root.tell(
          { name: 'waits in the lane', kind: 'internal', parentSpanId: span.context.spanId },
          waitsSinceMs,
          startedAtMs,
        );
    }
    const those = traces.map(({ span }) => span.context);
    const batch = tracing.beginForMany(`${this.service} transaction`, 'client', those);
    if (batch)
      Object.assign(batch.attributes, { 'db.system.name': 'postgresql', 'db.operation.batch.size': items.length });
    return batch;
  }

  #writeOutbox(tx: Tx, outgoing: Outgoing): void {
    const { records } = outgoing;
    if (records.length === 0) return;
    const { holder, outboxGraceMs, handoverMs = outboxGraceMs } = this.#options;
    tx.write(insertOutbox, [
      records.map(({ id }) => id),
      records.map((record) => JSON.stringify(record.events)),
      records.map((record) => textOfContexts(record.events) ?? null),
      records.map((record) => outgoing.isHandedOver(record)),
      holder?.() ?? null,
      outboxGraceMs,
      handoverMs,
    ]);
  }

  async #begin(tx: Tx, eventIds: string[], work: Work<E, InputsOf<C>>[]): Promise<[Date, Set<string>, S]> {
    const entered = tx.read<{ now: Date; fresh: string[] }>(enterInbox, [eventIds]);
    const [[row], state] = await Promise.all([entered, this.#options.unitOfWork.load(tx, work)]);
    return [row!.now, new Set(row!.fresh), state];
  }

  #decide(work: Work<E, InputsOf<C>>, state: S, fresh: Set<string>, context: Context): Result | undefined {
    const { handlers, commands } = this.#options.unitOfWork;
    if (work.kind === 'command') return commands[work.name as string]!(work.input, state, context);
    const { event, prepared } = work;
    // Deleted, so that the second of two equal events in one batch counts as a repeat, too.
    if (!fresh.delete(event.id)) return undefined;
    const handle = handlers[event.type] as ((d: typeof event.data, s: S, c: Context, p: unknown) => Result) | undefined;
    if (!handle) throw new Error(`${this.service} does not handle ${event.type}`);
    return handle(event.data, state, context, prepared);
  }
}

/** Where a sender is traced and we are not, what follows is brought about by what the sender has told. */
const contextOfFollowUps = ({
  trace,
  context,
}: Pick<Item<EventType, object>, 'trace' | 'context'>): EventContext | undefined =>
  trace ? { traceparent: traceparentOf(trace.span.context) } : context;
