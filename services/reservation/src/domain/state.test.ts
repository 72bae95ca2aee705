import { expect, test } from '@jest/globals';
import { aReservation, given } from '../testing/builders.ts';
import { mayBecome, reservationStatuses, type ReservationStatus } from './state.ts';

const statuses = Object.keys(reservationStatuses) as ReservationStatus[];
const pairs = statuses.flatMap((from) => statuses.map((to) => `${from} → ${to}` as const));
const allowed = pairs.filter((pair) => {
  const [from, to] = pair.split(' → ') as [ReservationStatus, ReservationStatus];
  return mayBecome(from, to);
});

test('a reservation may become what the design says, and nothing else', () => {
  expect(pairs).toHaveLength(25);
  expect(allowed).toEqual([
    'pending → held',
    'pending → rejected',
    'pending → released',
    'pending → completed',
    'held → released',
    'held → completed',
  ]);
});

test('one that moves is saved, and is told of after the commit; any other move is a bug', () => {
  const reservation = aReservation({ status: 'held' });
  const state = given({ reservations: [reservation] });
  state.moveReservation(reservation, 'completed');
  expect(reservation.status).toBe('completed');
  expect([...state.changedReservations]).toEqual([reservation]);
  expect([...state.statusChanged]).toEqual([reservation]);
  expect(() => state.moveReservation(reservation, 'released')).toThrow(
    'a completed reservation cannot become released',
  );
});
