import type { EventsOf } from '@flash-sale/shared/events/subscriptions.ts';
import { orderIds } from '@flash-sale/shared/ids.ts';
import { InternalClient } from '@flash-sale/shared/messaging/http-client.ts';
import type { ServiceDefinition } from '@flash-sale/shared/service/service.ts';
import { migrations } from '../migrations/index.ts';
import { ExpectedOrders } from './adapters/expected-orders.ts';
import { openOrderReads } from './adapters/reads.ts';
import { unpaidOrders } from './adapters/retention.ts';
import type { OrderTables } from './adapters/tables.ts';
import { orderUnitOfWork, type OrderCommands } from './adapters/unit-of-work.ts';
import type { OrderConfig } from './config.ts';
import type { OrderState } from './domain/state.ts';
import { announce, routes } from './routes.ts';

/** A list of orders does not wait longer to hear whether one is on its way. */
const askWithinMs = 1_000;

export const orderService: ServiceDefinition<OrderConfig, OrderTables, OrderState, EventsOf<'order'>, OrderCommands> = {
  name: 'order',
  migrations,
  build({ config, reads, background, tokens, settlements }) {
    const settled = settlements<true>('order');
    const reservations = new InternalClient({
      baseUrl: config.INTERNAL_URL,
      token: config.INTERNAL_TOKEN,
      timeoutMs: askWithinMs,
      connections: 1,
    });
    return {
      unitOfWork: orderUnitOfWork({
        changed: (order) => announce(order, settled),
        recognisedForMs: config.INBOX_RETENTION_MS,
      }),
      removals: [unpaidOrders(background)],
      routes: () =>
        routes({
          reads: openOrderReads(reads),
          expected: new ExpectedOrders(reservations),
          orderIds: orderIds(config.ORDER_ID_SECRET),
          settlements: settled,
          tokens,
          arrivalTimeoutMs: config.ARRIVAL_TIMEOUT_MS,
        }),
      close: () => reservations.close(),
    };
  },
};
