import type { DomainEvent, NewEvent } from '@flash-sale/contract/events/schemas.ts';
import { subscribersOf } from '@flash-sale/contract/events/subscriptions.ts';
import { isOlderThan, newId } from '@flash-sale/shared/ids.ts';
import type { Context, Result } from '@flash-sale/shared/messaging/decision.ts';
import { commands as inventoryCommands, handlers as inventoryHandlers } from '../services/inventory/src/handlers.ts';
import { InventoryState, noUnpaidBound, type Hold, type Stock } from '../services/inventory/src/domain/state.ts';
import {
  commands as reservationCommands,
  handlers as reservationHandlers,
} from '../services/reservation/src/handlers.ts';
import { unbounded } from '../services/reservation/src/domain/bounds.ts';
import {
  ReservationState,
  type Cart,
  type Reservation,
  type UsedKey,
} from '../services/reservation/src/domain/state.ts';
import { commands as paymentCommands, handlers as paymentHandlers } from '../services/payment/src/handlers.ts';
import { PaymentState, type Payable, type Payment } from '../services/payment/src/domain/state.ts';
import type { Order } from '../services/order/src/domain/state.ts';
import { OrderState } from '../services/order/src/domain/state.ts';
import { handlers as orderHandlers } from '../services/order/src/handlers.ts';

/*
 * The services of a purchase with their real handlers and commands, on maps instead of tables. Like the real services they decide on
 * copies and save only what decisions have marked as changed; events pass an outbox and an inbox. The network between them does
 * whatever the caller wants: it delivers late, twice, in any order, in any batch.
 */

export const ttlMs = 120_000;

const takers = ['inventory', 'reservation', 'order', 'payment'] as const;
type Taker = (typeof takers)[number];
interface Delivery {
  to: Taker;
  event: DomainEvent;
}
interface LedgerEntry {
  orderId: string;
  amountCents: number;
  outcome: 'captured' | 'declined';
  refunded: boolean;
}
interface Units {
  productId: string;
  userId: string;
  units: number;
}
type Work = DomainEvent | { command: string; input: unknown };
type Table<Row> = Map<string, Row>;
type Decide = (input: unknown, state: unknown, context: Context, prepared?: unknown) => Result;

/** How long the inboxes remember events. */
export const recognisedForMs = 86_400_000;
const handlers = {
  inventory: inventoryHandlers({ holdTtlMs: ttlMs, unpaid: noUnpaidBound }),
  reservation: reservationHandlers,
  order: orderHandlers,
  payment: paymentHandlers,
} as unknown as Record<Taker, Record<string, Decide>>;
const commands = {
  inventory: inventoryCommands,
  reservation: reservationCommands(unbounded),
  order: {},
  payment: paymentCommands,
} as unknown as Record<Taker, Record<string, Decide>>;

export class PurchaseModel {
  /** Begins as the clock by which ids are made, since ids tell their age. */
  now = new Date();
  readonly stock: Table<Stock> = new Map();
  readonly holds: Table<Hold> = new Map();
  readonly units: Table<Units> = new Map();
  readonly carts: Table<Cart> = new Map();
  readonly reservations: Table<Reservation> = new Map();
  readonly orders: Table<Order> = new Map();
  readonly payables: Table<Payable> = new Map();
  readonly payments: Table<Payment> = new Map();
  readonly ledger: Table<LedgerEntry> = new Map();
  /** The messages on their way. */
  readonly network: Delivery[] = [];
  /** Every message there ever was: any may be among the dead letters. */
  readonly history: Delivery[] = [];
  readonly usedKeys: Table<UsedKey> = new Map();
  readonly #inboxes: Record<Taker, Set<string>> = {
    inventory: new Set(),
    reservation: new Set(),
    order: new Set(),
    payment: new Set(),
  };

  addProduct(stock: Stock): void {
    this.stock.set(stock.product.id, stock);
  }

  /** Runs a command, as a route or task does. @returns its result */
  command(service: Taker, command: string, input: unknown): unknown {
    return this.#transact(service, [{ command, input }], false)[0];
  }

  /**
   * Delivers one batch to a service.
   * @param picks indexes into the network, modulo its length; only messages to the service of the first are taken
   * @param repeat leaves the messages in the network, to be delivered again
   * @param fate `crash`: decided but not committed. `silence`: the gateway acts, but its answer is lost
   */
  deliver(picks: number[], { repeat = false, fate = 'commit' } = {}): void {
    if (this.network.length === 0) return;
    const indexes = new Set(picks.map((pick) => pick % this.network.length));
    const picked = [...indexes].map((index) => this.network[index]!);
    const { to } = picked[0]!;
    const batch = picked.filter((delivery) => delivery.to === to);
    const prepared = batch.filter(({ event }) => !this.#askGateway(event) || fate !== 'silence');
    this.#transact(
      to,
      prepared.map(({ event }) => event),
      fate === 'crash',
    );
    if (repeat || fate === 'crash') return;
    for (const delivery of prepared) this.network.splice(this.network.indexOf(delivery), 1);
  }

  /** Replays a message from long ago, as a dead letter may be. */
  replay(which: number): void {
    const message = this.history[which % Math.max(1, this.history.length)];
    if (message) this.network.push(message);
  }

  /** Lets so much time pass that the inboxes forget everything, and rows that came to nothing may be removed. */
  age(): void {
    this.now = new Date(this.now.getTime() + 2 * recognisedForMs);
    for (const inbox of Object.values(this.#inboxes)) inbox.clear();
  }

  /** Runs the removal of one service, which knows nothing of the others'. */
  remove(service: Taker): void {
    switch (service) {
      case 'inventory':
        return drop(this.holds, ({ state }) => state === 'released');
      case 'reservation':
        for (const { userId, idempotencyKey, cartId, reason, status } of this.reservations.values()) {
          if (status !== 'rejected' && status !== 'released') continue;
          this.usedKeys.set(`${userId} ${idempotencyKey}`, { userId, idempotencyKey, cartId, reason });
        }
        drop(this.reservations, ({ status }) => status === 'rejected' || status === 'released');
        return drop(this.carts, ({ reservationId }) => reservationId === null || !this.reservations.has(reservationId));
      case 'order':
        return drop(this.orders, ({ status, paymentId }) => status === 'cancelled' && paymentId === null);
      case 'payment':
        return drop(this.payables, ({ paymentId }) => paymentId === null);
    }
  }

  /** Delivers everything, in order. */
  quiesce(): void {
    for (let left = 10_000; this.network.length > 0; left -= 1) {
      if (left === 0) throw new Error('events beget events without end');
      this.deliver([0]);
    }
  }

  /** Runs the inventory's sweep. */
  expireHolds(): void {
    for (const { reservationId, items, state } of [...this.holds.values()]) {
      if (state === 'held') this.command('inventory', 'expire', { reservationId, items });
    }
  }

  /** Runs the payment service's sweep, as if every waiting payment had waited long enough. */
  giveUpOrphans(): void {
    for (const { id: paymentId, orderId, status, amountCents } of [...this.payments.values()]) {
      if (status === 'pending' && amountCents === null) this.command('payment', 'giveUp', { paymentId, orderId });
    }
  }

  /** @returns whether the gateway had to be asked */
  #askGateway(event: DomainEvent): boolean {
    if (event.type === 'payment.requested') {
      const { paymentId, orderId, amountCents, methodToken } = event.data;
      const outcome = methodToken === 'tok_ok' ? 'captured' : 'declined';
      const entry = this.ledger.get(paymentId) ?? { orderId, amountCents, outcome, refunded: false };
      if (entry.orderId !== orderId || entry.amountCents !== amountCents) throw new Error('another charge, same id');
      this.ledger.set(paymentId, entry);
      return true;
    }
    if (event.type === 'order.refund-due') {
      const entry = this.ledger.get(event.data.paymentId);
      if (entry?.outcome !== 'captured') throw new Error('the gateway has captured nothing');
      entry.refunded = true;
      return true;
    }
    return false;
  }

  #preparedOf(event: DomainEvent): unknown {
    if (event.type !== 'payment.requested') return undefined;
    const { outcome } = this.ledger.get(event.data.paymentId)!;
    return outcome === 'captured' ? { captured: true } : { captured: false, reason: 'card-declined' };
  }

  #transact(service: Taker, batch: Work[], crash: boolean): unknown[] {
    const inbox = new Set(this.#inboxes[service]);
    const outbox: NewEvent[] = [];
    const context: Context = { now: this.now, isForgotten: (id) => isOlderThan(id, recognisedForMs, this.now) };
    const { state, save } = this.#open(service, batch);
    const decide = (work: Work): Result | undefined => {
      if ('command' in work) return commands[service][work.command]!(work.input, state, context);
      if (inbox.has(work.id)) return undefined;
      inbox.add(work.id);
      return handlers[service][work.type]!(work.data, state, context, this.#preparedOf(work));
    };
    const answers = batch.map((work) => {
      const result = decide(work);
      outbox.push(...(result?.events ?? []));
      return result;
    });
    if (crash) return [];
    this.#inboxes[service] = inbox;
    save();
    for (const event of structuredClone(outbox)) {
      const sent = { ...event, id: newId(), version: 1, occurredAt: this.now.toISOString() } as DomainEvent;
      const messages = takers
        .filter((name) => subscribersOf(sent.type).includes(name))
        .map((to) => ({ to, event: sent }));
      this.network.push(...messages);
      this.history.push(...messages);
    }
    return structuredClone(answers);
  }

  /** Loads copies; `save` stores what the decisions have marked as changed, and nothing else. */
  #open(service: Taker, batch: Work[]): { state: unknown; save: () => void } {
    switch (service) {
      case 'inventory': {
        const state = new InventoryState({
          stock: copies(this.stock),
          holds: copies(this.holds),
          units: copies(this.units),
        });
        const save = () => {
          put(this.stock, state.changedStock, (stock) => stock.product.id);
          put(this.holds, [...state.newHolds, ...state.changedHolds], (hold) => hold.reservationId);
          put(this.units, state.changedUnits.values(), ({ productId, userId }) => `${productId} ${userId}`);
        };
        return { state, save };
      }
      case 'reservation': {
        const carts = copies(this.carts);
        for (const cart of carts) cart.reservationStatus = this.reservations.get(cart.reservationId!)?.status ?? null;
        const state = new ReservationState({
          carts,
          reservations: copies(this.reservations),
          usedKeys: copies(this.usedKeys),
        });
        const save = () => {
          put(this.carts, [...state.newCarts, ...state.changedCarts]);
          put(this.reservations, [...state.newReservations, ...state.changedReservations]);
        };
        return { state, save };
      }
      case 'order': {
        const state = new OrderState(copies(this.orders));
        return { state, save: () => put(this.orders, [...state.added, ...state.changed]) };
      }
      case 'payment': {
        // Loading inserts a row for every order of the batch.
        for (const work of batch) {
          const { orderId } = ('command' in work ? work.input : work.data) as { orderId: string };
          const awaited: Payable = { orderId, status: 'awaited', due: null, paymentId: null };
          if (!this.payables.has(orderId)) this.payables.set(orderId, awaited);
        }
        const state = new PaymentState({ payables: copies(this.payables), payments: copies(this.payments) });
        const save = () => {
          put(this.payables, state.changedPayables, ({ orderId }) => orderId);
          put(this.payments, [...state.newPayments, ...state.changedPayments]);
        };
        return { state, save };
      }
    }
  }
}

const copies = <Row>(table: Table<Row>): Row[] => structuredClone([...table.values()]);

function drop<Row>(table: Table<Row>, which: (row: Row) => boolean): void {
  for (const [key, row] of table) if (which(row)) table.delete(key);
}

function put<Row>(table: Table<Row>, rows: Iterable<Row>, keyOf = (row: Row) => (row as { id: string }).id): void {
  for (const row of rows) table.set(keyOf(row), structuredClone(row));
}
