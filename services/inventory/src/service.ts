import { newId } from '@flash-sale/shared/ids.ts';
import { StockMark } from '@flash-sale/shared/redis/stock-mark.ts';
import { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import { serviceWithDatabase } from '@flash-sale/shared/service/with-database.ts';
import { migrations } from '../migrations/index.ts';
import { Catalogue } from './adapters/catalogue.ts';
import { dueHolds } from './adapters/due-holds.ts';
import { MarkKeeper } from './adapters/mark-keeper.ts';
import { PublishingProcesses } from './adapters/publishing-processes.ts';
import { releasedHolds } from './adapters/retention.ts';
import { RecentStock } from './adapters/recent-stock.ts';
import { StockPublisher } from './adapters/stock-publisher.ts';
import type { InventoryTables } from './adapters/tables.ts';
import { inventoryUnitOfWork } from './adapters/unit-of-work.ts';
import type { InventoryConfig } from './config.ts';
import { internalRoutes, routes } from './routes.ts';

const keepMarkEveryMs = 1_000;
const refreshCheckMs = 1_000;
const measureEveryMs = 1_000;

export const inventoryService = serviceWithDatabase<InventoryConfig, InventoryTables>({
  name: 'inventory',
  migrations,
  async build({ config, log, reads, background, openLane, redis, tokens, metrics, work }) {
    const views = new StockViews(redis);
    const catalogue = new Catalogue({ reads, background, views });
    const publisher = new StockPublisher({ views, catalogue, onDebt: () => void keeper.lookAnew().catch(() => {}) });
    const processes = new PublishingProcesses({ background, process: newId() });
    const keeper = new MarkKeeper({ redis, mark: new StockMark(redis), processes, publisher, log });
    const recent = new RecentStock({ background, metrics });
    work.watch('redis-write', () => publisher.oldestUnwrittenMs);
    // Before the first change of stock, so that the others notice if this process dies over it. While PostgreSQL is unreachable no
    // stock can be changed, either.
    await processes.sayAlive(false).catch(() => {});
    const lane = openLane(
      inventoryUnitOfWork(
        {
          holdTtlMs: config.HOLD_TTL_MS,
          unpaid: { units: config.UNPAID_UNITS_MAX, percent: config.UNPAID_PERCENT_MAX },
        },
        {
          announced: () => publisher.announced(),
          committed: (levels) => {
            publisher.committed(levels);
            recent.changed(levels.map(({ productId }) => productId));
          },
          failed: (levels) => publisher.failed(levels),
        },
      ),
    );
    return {
      lane,
      removals: [releasedHolds(background)],
      routes: routes({ lane, catalogue, publisher, tokens, log }),
      internalRoutes: internalRoutes(catalogue),
      tasks: [
        {
          name: 'expire-holds',
          everyMs: config.EXPIRY_SWEEP_MS,
          task: async () => {
            const due = await dueHolds(background);
            await Promise.all(due.map((hold) => lane.run('expire', hold)));
          },
        },
        { name: 'keep-stock-mark', everyMs: keepMarkEveryMs, task: () => keeper.look() },
        { name: 'refresh-stock-views', everyMs: refreshCheckMs, task: () => keeper.refresh(config.VIEW_REFRESH_MS) },
        { name: 'measure-stock', everyMs: measureEveryMs, task: () => recent.refresh() },
      ],
      async close() {
        await publisher.drained();
        if (publisher.oldestUnwrittenMs === undefined) await processes.signOff();
      },
    };
  },
});
