import type { Outcomes } from '@flash-sale/shared/messaging/outcomes.ts';
import type { Reservation } from './domain/state.ts';

/** The stages of a reservation for which a request may wait. */
export const stages = {
  decided: ({ status }: Reservation) => status !== 'pending',
  ended: ({ status }: Reservation) => status !== 'pending' && status !== 'held',
};
export type ReservationOutcomes = Outcomes<Reservation, keyof typeof stages>;
