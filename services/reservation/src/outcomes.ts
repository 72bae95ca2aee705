import type { Outcomes } from '@flash-sale/shared/messaging/outcomes.ts';
import type { Reservation } from './domain/state.ts';

/** How far a shopper may wait for a reservation to come. */
export const stages = {
  decided: ({ status }: Reservation) => status !== 'pending',
  ended: ({ status }: Reservation) => status !== 'pending' && status !== 'held',
};
export type ReservationOutcomes = Outcomes<Reservation, keyof typeof stages>;
