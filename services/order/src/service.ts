import type { EventsOf } from '@flash-sale/shared/events/subscriptions.ts';
import { orderIds } from '@flash-sale/shared/ids.ts';
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

export const orderService: ServiceDefinition<OrderConfig, OrderTables, OrderState, EventsOf<'order'>, OrderCommands> = {
  name: 'order',
  migrations,
  build({ config, reads, background, tokens, settlements, peers }) {
    const settled = settlements<true>('order');
    return {
      unitOfWork: orderUnitOfWork({
        changed: (order) => announce(order, settled),
        recognisedForMs: config.INBOX_RETENTION_MS,
      }),
      removals: [unpaidOrders(background)],
      routes: () =>
        routes({
          reads: openOrderReads(reads),
          expected: new ExpectedOrders(peers),
          orderIds: orderIds(config.ORDER_ID_SECRET),
          settlements: settled,
          tokens,
          arrivalTimeoutMs: config.ARRIVAL_TIMEOUT_MS,
        }),
    };
  },
};
