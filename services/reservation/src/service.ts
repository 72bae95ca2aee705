import type { Redis } from 'ioredis';
import { orderIds } from '@flash-sale/shared/ids.ts';
import { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import { TriedPayments } from '@flash-sale/shared/redis/tried-payments.ts';
import { pruneEveryMs } from '@flash-sale/shared/service/retention.ts';
import { serviceWithDatabase } from '@flash-sale/shared/service/with-database.ts';
import { migrations } from '../migrations/index.ts';
import { Gate } from './adapters/gate.ts';
import { ProductQuestions } from './adapters/product-questions.ts';
import { Limits } from './adapters/limits.ts';
import { openReservationReads } from './adapters/reads.ts';
import { pruneUsedKeys, removals } from './adapters/retention.ts';
import type { ReservationTables } from './adapters/tables.ts';
import { reservationUnitOfWork } from './adapters/unit-of-work.ts';
import type { ReservationConfig } from './config.ts';
import { stages } from './outcomes.ts';
import { internalRoutes, routes } from './routes.ts';

export const reservationService = serviceWithDatabase<ReservationConfig, ReservationTables>({
  name: 'reservation',
  migrations,
  build({ config, reads, background, openLane, redis, tokens, openOutcomes, peers, beginsJourney }) {
    // If the inventory does not answer in time, the product is put into the cart, and reserving it is refused later.
    const gate = new Gate(new StockViews(redis), new ProductQuestions(peers));
    const reservationReads = openReservationReads(reads);
    const outcomes = openOutcomes('reservation', { read: reservationReads.reservation, stages });
    const lane = openLane(
      reservationUnitOfWork(
        { openMax: config.OPEN_RESERVATIONS_MAX, leftMax: config.LEFT_TO_EXPIRE_MAX },
        (reservation) => {
          if (reservation.reason === 'sold-out') gate.arm();
          outcomes.announce(reservation);
        },
      ),
    );
    return {
      lane,
      removals: removals(background),
      tasks: [
        {
          name: 'used-keys-prune',
          everyMs: pruneEveryMs,
          task: () => pruneUsedKeys(background, config.USED_KEY_RETENTION_MS),
        },
      ],
      routes: routes({
        lane,
        reads: reservationReads,
        gate,
        limits: limitsOf(config, redis),
        triedPayments: new TriedPayments(redis),
        orderIds: orderIds(config.ORDER_ID_SECRET),
        outcomes,
        tokens,
        beginsJourney,
        settleTimeoutMs: config.SETTLE_TIMEOUT_MS,
      }),
      internalRoutes: internalRoutes(reservationReads),
    };
  },
});

const limitsOf = (config: ReservationConfig, redis: Redis): Limits =>
  new Limits({
    redis,
    exempt: config.RATE_LIMIT_EXEMPT,
    cartsPerAccount: config.CART_LIMIT_PER_ACCOUNT,
    cartsPerAddress: config.CART_LIMIT_PER_ADDRESS,
    reservationsPerAccount: config.RESERVATION_LIMIT_PER_ACCOUNT,
    reservationsPerAddress: config.RESERVATION_LIMIT_PER_ADDRESS,
    addressesPerNetwork: config.ADDRESSES_PER_NETWORK,
  });
