import { orderIds } from '@flash-sale/shared/ids.ts';
import { serviceWithDatabase } from '@flash-sale/shared/service/with-database.ts';
import { migrations } from '../migrations/index.ts';
import { ExpectedOrders } from './adapters/expected-orders.ts';
import { openOrderReads } from './adapters/reads.ts';
import { unpaidOrders } from './adapters/retention.ts';
import type { OrderTables } from './adapters/tables.ts';
import { orderUnitOfWork } from './adapters/unit-of-work.ts';
import type { OrderConfig } from './config.ts';
import { announce, stages } from './outcomes.ts';
import { routes } from './routes.ts';

export const orderService = serviceWithDatabase<OrderConfig, OrderTables>({
  name: 'order',
  migrations,
  build({ config, reads, background, openLane, tokens, openOutcomes, peers }) {
    const orders = openOrderReads(reads);
    const outcomes = openOutcomes('order', { read: orders.order, stages });
    const lane = openLane(orderUnitOfWork((order) => announce(order, outcomes)));
    return {
      lane,
      removals: [unpaidOrders(background)],
      routes: routes({
        reads: orders,
        expected: new ExpectedOrders(peers),
        orderIds: orderIds(config.ORDER_ID_SECRET),
        outcomes,
        tokens,
        arrivalTimeoutMs: config.ARRIVAL_TIMEOUT_MS,
      }),
    };
  },
});
