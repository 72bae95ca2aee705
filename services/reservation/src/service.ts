import type { EventsOf } from '@flash-sale/shared/events/subscriptions.ts';
import { orderIds } from '@flash-sale/shared/ids.ts';
import { InternalClient } from '@flash-sale/shared/messaging/http-client.ts';
import type { Lane } from '@flash-sale/shared/messaging/lane.ts';
import { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import type { ServiceDefinition } from '@flash-sale/shared/service/service.ts';
import { migrations } from '../migrations/index.ts';
import { Gate } from './adapters/gate.ts';
import { ProductQuestions } from './adapters/product-questions.ts';
import { openReservationReads } from './adapters/reads.ts';
import type { ReservationTables } from './adapters/tables.ts';
import { reservationUnitOfWork } from './adapters/unit-of-work.ts';
import type { ReservationConfig } from './config.ts';
import type { Reservation, ReservationState } from './domain/state.ts';
import type { commands } from './handlers.ts';
import { announce, internalRoutes, routes } from './routes.ts';

type Events = EventsOf<'reservation'>;
type Commands = typeof commands;
export type ReservationLane = Lane<ReservationState, Events, Commands>;

/** A cart does not wait longer to hear that a product does not exist; it takes it instead, and the inventory refuses. */
const askWithinMs = 1_000;

export const reservationService: ServiceDefinition<
  ReservationConfig,
  ReservationTables,
  ReservationState,
  Events,
  Commands
> = {
  name: 'reservation',
  migrations,
  build({ config, reads, redis, tokens, settlements }) {
    const settled = settlements<Reservation>('reservation');
    const inventory = new InternalClient({
      baseUrl: config.INTERNAL_URL,
      token: config.INTERNAL_TOKEN,
      timeoutMs: askWithinMs,
      connections: 1,
    });
    const gate = new Gate(new StockViews(redis), new ProductQuestions(inventory));
    const changed = (reservation: Reservation) => {
      if (reservation.reason === 'sold-out') gate.arm();
      announce(reservation, settled);
    };
    const reservationReads = openReservationReads(reads);
    return {
      unitOfWork: reservationUnitOfWork(changed),
      routes: (lane) =>
        routes({
          lane,
          reads: reservationReads,
          gate,
          orderIds: orderIds(config.ORDER_ID_SECRET),
          settlements: settled,
          tokens,
          settleTimeoutMs: config.SETTLE_TIMEOUT_MS,
        }),
      internalRoutes: () => internalRoutes(reservationReads),
      close: () => inventory.close(),
    };
  },
};
