import type { EventsOf } from '@flash-sale/shared/events/subscriptions.ts';
import type { Lane } from '@flash-sale/shared/messaging/lane.ts';
import { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import type { ServiceDefinition } from '@flash-sale/shared/service/service.ts';
import { migrations } from '../migrations/index.ts';
import { Catalogue } from './adapters/catalogue.ts';
import { dueHolds } from './adapters/due-holds.ts';
import { RecentStock } from './adapters/recent-stock.ts';
import { StockPublisher } from './adapters/stock-publisher.ts';
import type { InventoryTables } from './adapters/tables.ts';
import { inventoryUnitOfWork } from './adapters/unit-of-work.ts';
import type { InventoryConfig } from './config.ts';
import type { InventoryState } from './domain/state.ts';
import type { commands } from './handlers.ts';
import { routes } from './routes.ts';

type Events = EventsOf<'inventory'>;
type Commands = typeof commands;
export type InventoryLane = Lane<InventoryState, Events, Commands>;

const refreshCheckMs = 1_000;
const measureEveryMs = 1_000;

export const inventoryService: ServiceDefinition<InventoryConfig, InventoryTables, InventoryState, Events, Commands> = {
  name: 'inventory',
  migrations,
  build({ config, log, reads, background, redis, tokens, metrics }) {
    const views = new StockViews(redis);
    const catalogue = new Catalogue({ reads, background, views });
    const publisher = new StockPublisher({ views, catalogue, redis, log });
    const recent = new RecentStock({ background, metrics });
    return {
      unitOfWork: inventoryUnitOfWork({
        holdTtlMs: config.HOLD_TTL_MS,
        publish: (levels) => {
          void publisher.publish(levels);
          recent.changed(levels.map(({ productId }) => productId));
        },
      }),
      routes: (lane) => routes({ lane, catalogue, publisher, tokens, log }),
      tasks: (lane) => [
        {
          name: 'expire-holds',
          everyMs: config.EXPIRY_SWEEP_MS,
          task: async () => {
            const due = await dueHolds(background);
            await Promise.all(due.map((hold) => lane.run('expire', hold)));
          },
        },
        { name: 'refresh-stock-views', everyMs: refreshCheckMs, task: () => publisher.refresh(config.VIEW_REFRESH_MS) },
        { name: 'measure-stock', everyMs: measureEveryMs, task: () => recent.refresh() },
      ],
    };
  },
};
