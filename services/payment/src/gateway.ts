/** What the payment service needs of a payment gateway. Both calls may be repeated with the same payment id. */
export interface Gateway {
  /**
   * Captures the amount, once per payment id, whatever the number of calls.
   * @throws when the outcome is not known; asking again with the same id tells it
   */
  capture(charge: Charge): Promise<Outcome>;
  /** Sends the whole captured amount back, once. @throws when it is not known whether it did */
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
