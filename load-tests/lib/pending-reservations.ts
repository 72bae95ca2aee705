import { newId, orderIds } from '@flash-sale/shared/ids.ts';
import { LaneConnection } from '@flash-sale/shared/db/lane-connection.ts';
import { createLogger } from '@flash-sale/shared/log.ts';
import { AmqpTransport } from '@flash-sale/shared/messaging/amqp-transport.ts';
import { Lane } from '@flash-sale/shared/messaging/lane.ts';
import { databaseNameOf } from '../../infra/launcher/database-names.ts';
import { urlFor } from '../../infra/launcher/databases.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import { unbounded } from '../../services/reservation/src/domain/bounds.ts';
import { reservationUnitOfWork } from '../../services/reservation/src/adapters/unit-of-work.ts';

/** The first and the last id of each kind: they sort by the order of making, so these tell the crowd's rows from all others. */
export interface PendingReservations {
  reservations: [first: string, last: string];
  orders: [first: string, last: string];
}

const atOnce = 5_000;
const statementTimeoutMs = 30_000;

/**
 * Reserves one unit each for so many shoppers, while nobody decides it. The reservation service's own commands do it in
 * its own lane, cart and all, so rows and events are what a crowd of shoppers would have brought about; only HTTP is left
 * out, which would take minutes. Returns when the broker has every event on disk.
 */
export async function reserveForCrowd(stack: Stack, productId: string, shoppers: number): Promise<PendingReservations> {
  if (stack.amqpAdminUrl === undefined)
    throw new Error('only a stack with RabbitMQ keeps requests for a service that is away');
  const role = databaseNameOf('reservation');
  const url = urlFor(stack.databaseUrls.reservation, role, role, stack.secrets.roles.reservation.runtime);
  const log = createLogger({ service: 'reservation', instance: 'crowd', level: 'warn' });
  const connection = new LaneConnection({ url, statementTimeoutMs, onError: (error) => log.warn(error.message) });
  const transport = new AmqpTransport({
    url: stack.amqpAdminUrl,
    instance: 'crowd',
    log,
    prefetch: 1,
    maxUnconfirmed: 2 * atOnce,
    maxBatchEvents: 256,
    maxBatchBytes: 262_144,
    confirmTimeoutMs: 60_000,
    retriesBeforeError: 10,
    holdMs: 10_000,
  });
  const lane = new Lane({
    service: 'reservation',
    connection,
    unitOfWork: reservationUnitOfWork(unbounded, () => {}),
    deliver: (records) => transport.deliver(records),
    log,
    maxItems: 256,
    maxQueued: atOnce,
    outboxGraceMs: 120_000,
  });
  const minted = orderIds(stack.secrets.orderIdSecret);
  const crowd = Array.from({ length: shoppers }, (_, n) => {
    const userId = newId();
    const ids = { reservationId: newId(), orderId: minted.mint(userId), userId, cartId: newId() };
    return { ...ids, idempotencyKey: `crowd-${n}` };
  });
  let notDelivered = 0;
  try {
    await transport.start({
      service: lane.service,
      receive: (events, followUps) => lane.receive(events, followUps),
      acknowledge: (ids) => lane.acknowledge(ids),
      // Whoever runs the shop takes it up.
      notDelivered: () => void (notDelivered += 1),
      reachableAgain: () => {},
    });
    for (let from = 0; from < shoppers; from += atOnce) {
      const some = crowd.slice(from, from + atOnce);
      await Promise.all(some.map((one) => lane.run('createCart', one)));
      await Promise.all(some.map((one) => lane.run('addItem', { ...one, productId, quantity: 1 })));
      await Promise.all(some.map(async (one) => (await lane.run('reserve', one)).delivered));
    }
    // How many events the broker holds it does not tell: it counts batches.
    if (notDelivered > 0 || transport.oldestUnconfirmedMs() !== undefined)
      throw new Error(`the broker has not taken all that is for the inventory: ${notDelivered} transactions failed`);
    await transport.stop();
    await lane.drained();
  } finally {
    await transport.stop();
    await connection.close();
  }
  const ends = (key: 'reservationId' | 'orderId'): [string, string] => [crowd[0]![key], crowd.at(-1)![key]];
  return { reservations: ends('reservationId'), orders: ends('orderId') };
}
