import type { Outcomes } from '@flash-sale/shared/messaging/outcomes.ts';
import type { Payment } from './domain/state.ts';

/** The stage of a payment for which a request may wait. */
export const stages = { decided: ({ status }: Payment) => status !== 'pending' };
export type PaymentOutcomes = Outcomes<Payment, keyof typeof stages>;
