import type { DomainEvent } from '@flash-sale/contract/events/schemas.ts';
import { subjectOf } from '@flash-sale/contract/events/subscriptions.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { batchPublication, eventPublication, type Publication } from './amqp-messages.ts';
import { batchKey } from './amqp-topology.ts';
import { textOfContexts } from './event-context.ts';

/** A message with the events in it, and who is brought them by it. */
export interface Shipment {
  publication: Publication;
  events: DomainEvent[];
  services: readonly ServiceName[];
}

export interface BatchOptions {
  /** Most events in a batch; with 0 each travels by itself. */
  maxEvents: number;
  /** Most bytes of a batch. */
  maxBytes: number;
  /** Whether somebody takes the batches of a service. */
  takesBatches: (service: ServiceName) => boolean;
}

/** A batch that is being filled. */
interface Open {
  subject: string;
  service: ServiceName;
  events: DomainEvent[];
  texts: string[];
  bytes: number;
}

/**
 * The messages in which events travel to those who are to be brought them: one for each service, within the bounds of a batch, in the
 * order of the events. An event that is too large for a batch goes by itself, and so does one for a service that takes none.
 * Where an event goes by itself, the exchange hands it to all who handle it.
 * @param servicesOf who is to be brought an event; nobody, and it stays
 * @param nowS seconds since 1970
 */
export function shipmentsOf(
  events: readonly DomainEvent[],
  servicesOf: (event: DomainEvent) => readonly ServiceName[],
  { maxEvents, maxBytes, takesBatches }: BatchOptions,
  nowS: number,
): Shipment[] {
  const shipments: Shipment[] = [];
  const filling = new Map<string, Open>();
  for (const event of events) {
    const services = servicesOf(event);
    if (services.length === 0) continue;
    const text = JSON.stringify(event);
    // With the comma or bracket after it.
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes + 1 > maxBytes || maxEvents === 0 || !services.every(takesBatches)) {
      shipments.push({ publication: eventPublication(event, nowS, text), events: [event], services });
      continue;
    }
    const subject = subjectOf(event.type);
    for (const service of services) {
      const key = batchKey(subject, service);
      let open = filling.get(key);
      if (open && (open.events.length >= maxEvents || open.bytes + bytes > maxBytes)) {
        shipments.push(shipmentOf(open, nowS));
        open = undefined;
      }
      if (!open) filling.set(key, (open = { subject, service, events: [], texts: [], bytes: 1 }));
      open.events.push(event);
      open.texts.push(text);
      open.bytes += bytes;
    }
  }
  for (const open of filling.values()) shipments.push(shipmentOf(open, nowS));
  return shipments;
}

function shipmentOf({ subject, service, events, texts }: Open, nowS: number): Shipment {
  const firstId = events[0]!.id;
  const contexts = textOfContexts(events);
  const publication = batchPublication({ subject, service, events: texts, firstId, contexts }, nowS);
  return { publication, events, services: [service] };
}
