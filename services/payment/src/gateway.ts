/** The port to a payment gateway. Both calls may be repeated with the same payment id. */
export interface Gateway {
  /**
   * Captures the amount, once per payment id, whatever the number of calls.
   * @throws when the outcome is unknown; a repeat with the same id returns it
   */
  capture(charge: Charge): Promise<Outcome>;
  /** Refunds the whole captured amount, once. @throws when the outcome is unknown */
  refund(paymentId: string): Promise<void>;
}

export interface Charge {
  paymentId: string;
  orderId: string;
  amountCents: number;
  currency: string;
  methodToken: string;
}

export type Outcome = { captured: true } | { captured: false; reason: string };
