import { subscribersOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { inContextOf } from './event-context.ts';
import type { Intake, NotDelivered, OutboxRecord, Transport } from './transport.ts';

/** The meeting point of services that live in one process. */
export class MemoryNetwork {
  readonly intakes = new Map<ServiceName, Intake>();
}

/** For tests: carries events by calling the other services' intakes. A service that is not there is one that is down. */
export function memoryTransport(network: MemoryNetwork): Transport {
  let own: Intake | undefined;
  const underWay = new Set<Promise<void>>();
  const carry = async (records: OutboxRecord[]) => {
    for (const record of records) {
      const failures: (NotDelivered | undefined)[] = [];
      for (const event of record.events) {
        for (const service of subscribersOf(event.type)) {
          const receipt = await network.intakes
            .get(service)
            ?.receive([inContextOf(event, structuredClone(event))], 'deliver');
          await receipt?.delivered;
          failures.push(receipt ? receipt.failures[0]?.kind : 'unreachable');
        }
      }
      const failure = failures.find((kind) => kind !== undefined);
      if (failure) own!.notDelivered(record, failure);
      else network.intakes.get(record.owner)?.acknowledge([record.id]);
    }
  };
  return {
    start(intake) {
      own = intake;
      network.intakes.set(intake.service, intake);
      return Promise.resolve();
    },
    deliver(records) {
      const carried = carry(records).finally(() => underWay.delete(carried));
      underWay.add(carried);
      return carried;
    },
    healthy: () => true,
    async stop() {
      while (underWay.size > 0) await Promise.all(underWay);
      // What is under way may have outlasted the service; its successor may be there by now.
      if (own && network.intakes.get(own.service) === own) network.intakes.delete(own.service);
    },
  };
}
