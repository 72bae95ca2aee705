import { ensureMigrated } from '@flash-sale/shared/db/migrate.ts';
import { orderIds } from '@flash-sale/shared/ids.ts';
import { TriedPayments } from '@flash-sale/shared/redis/tried-payments.ts';
import { serviceWithDatabase } from '@flash-sale/shared/service/with-database.ts';
import { migrations } from '../migrations/index.ts';
import { builtInGateway, ledgerMigrations } from './adapters/built-in-gateway.ts';
import { guarded } from './adapters/guarded-gateway.ts';
import { openPaymentReads, readOrphans } from './adapters/reads.ts';
import type { PaymentTables } from './adapters/tables.ts';
import { unpaidPayables } from './adapters/retention.ts';
import { paymentUnitOfWork } from './adapters/unit-of-work.ts';
import type { PaymentConfig } from './config.ts';
import { wasTriedInVain } from './domain/payment.ts';
import { stages } from './outcomes.ts';
import { routes } from './routes.ts';

export const paymentService = serviceWithDatabase<PaymentConfig, PaymentTables>({
  name: 'payment',
  migrations,
  async build({ config, log, reads: readDatabases, background, openLane, redis, tokens, openOutcomes }) {
    const { GATEWAY_DATABASE_URL: url, GATEWAY_MIGRATION_DATABASE_URL: ownerUrl } = config;
    await ensureMigrated({ url, ownerUrl }, ledgerMigrations);
    const gateway = builtInGateway(config.GATEWAY_DATABASE_URL, (error) =>
      log.warn({ reason: error.message }, 'connection to the gateway lost'),
    );
    const tried = new TriedPayments(redis);
    const reads = openPaymentReads(readDatabases);
    const outcomes = openOutcomes('payment', { read: reads.payment, stages });
    const lane = openLane(
      paymentUnitOfWork(guarded(gateway, config.GATEWAY_TIMEOUT_MS), (payment) => {
        outcomes.announce(payment);
        if (wasTriedInVain(payment)) tried.note(payment.orderId);
      }),
    );
    return {
      lane,
      removals: [unpaidPayables(background)],
      routes: routes({
        lane,
        reads,
        orderIds: orderIds(config.ORDER_ID_SECRET),
        outcomes,
        tokens,
        settleTimeoutMs: config.SETTLE_TIMEOUT_MS,
        arrivalTimeoutMs: config.ARRIVAL_TIMEOUT_MS,
      }),
      tasks: [
        {
          name: 'give-up-orphans',
          everyMs: config.ORPHAN_SWEEP_MS,
          task: async () => {
            const orphans = await readOrphans(background, config.ORDER_WAIT_MS);
            await Promise.all(orphans.map((orphan) => lane.run('giveUp', orphan)));
          },
        },
      ],
      close: () => gateway.close(),
    };
  },
});
