import type { Outcomes } from '@flash-sale/shared/messaging/outcomes.ts';
import type { Payment } from './domain/state.ts';

/** How far a shopper may wait for a payment to come. */
export const stages = { decided: ({ status }: Payment) => status !== 'pending' };
export type PaymentOutcomes = Outcomes<Payment, keyof typeof stages>;
