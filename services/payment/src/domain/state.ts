/** The allowed next statuses of each. */
export const paymentStatuses = {
  pending: ['captured', 'declined'],
  captured: ['refunded'],
  declined: [],
  refunded: [],
} as const satisfies Record<string, readonly string[]>;
export type PaymentStatus = keyof typeof paymentStatuses;

/** `awaited`: a payment arrived before its order. `open`: payable. `closed`: the order ended without being bought. */
export const payableStatuses = {
  awaited: ['open', 'closed'],
  open: ['closed'],
  closed: [],
} as const satisfies Record<string, readonly string[]>;
export type PayableStatus = keyof typeof payableStatuses;

/** What is to be paid for an order: the row where a payment and its order meet, whichever arrives first. */
export interface Payable {
  orderId: string;
  status: PayableStatus;
  /** Null while the order is awaited. */
  due: { amountCents: number; currency: string; expiresAt: Date } | null;
  /** The pending or captured payment; at most one at any time. */
  paymentId: string | null;
  /** What opened it, as in Context. */
  origin?: string | undefined;
}

export interface Payment {
  id: string;
  orderId: string;
  userId: string;
  idempotencyKey: string;
  methodToken: string;
  status: PaymentStatus;
  amountCents: number | null;
  currency: string | null;
  reason: string | null;
}

const keyOf = (userId: string, idempotencyKey: string) => `${userId} ${idempotencyKey}`;

/** The payables and payments that a batch touches, and which of them are new or changed. */
export class PaymentState {
  readonly #payables: Map<string, Payable>;
  readonly #payments: Map<string, Payment>;
  readonly #byKey: Map<string, Payment>;
  readonly changedPayables = new Set<Payable>();
  readonly newPayments = new Set<Payment>();
  readonly changedPayments = new Set<Payment>();
  /** Those that a decision has moved to another status. */
  readonly statusChanged = new Set<Payment>();

  constructor(loaded: { payables: Payable[]; payments: Payment[] }) {
    this.#payables = new Map(loaded.payables.map((payable) => [payable.orderId, payable]));
    this.#payments = new Map(loaded.payments.map((payment) => [payment.id, payment]));
    this.#byKey = new Map([...this.#payments.values()].map((p) => [keyOf(p.userId, p.idempotencyKey), p]));
  }

  /** @throws when it was not loaded: loading makes a row for every order of the batch */
  payable(orderId: string): Payable {
    const payable = this.#payables.get(orderId);
    if (!payable) throw new Error(`payable of order ${orderId} was not loaded`);
    return payable;
  }

  payment(id: string): Payment | undefined {
    return this.#payments.get(id);
  }

  paymentByKey(userId: string, idempotencyKey: string): Payment | undefined {
    return this.#byKey.get(keyOf(userId, idempotencyKey));
  }

  addPayment(payment: Payment): void {
    this.#payments.set(payment.id, payment);
    this.#byKey.set(keyOf(payment.userId, payment.idempotencyKey), payment);
    this.newPayments.add(payment);
  }

  /** Changes a payment. @throws when the table does not allow the new status: a bug */
  changePayment(payment: Payment, change: Partial<Payment>): void {
    const { status } = change;
    if (status && !(paymentStatuses[payment.status] as readonly PaymentStatus[]).includes(status)) {
      throw new Error(`a ${payment.status} payment cannot become ${status}`);
    }
    Object.assign(payment, change);
    if (status) this.statusChanged.add(payment);
    if (!this.newPayments.has(payment)) this.changedPayments.add(payment);
  }

  /** Changes a payable. @throws when the table does not allow the new status: a bug */
  changePayable(payable: Payable, change: Partial<Payable>): void {
    const { status } = change;
    if (status && !(payableStatuses[payable.status] as readonly PayableStatus[]).includes(status)) {
      throw new Error(`a ${payable.status} payable cannot become ${status}`);
    }
    Object.assign(payable, change);
    this.changedPayables.add(payable);
  }
}
