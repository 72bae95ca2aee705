import { servicesWithDatabase } from '@flash-sale/contract/services.ts';
import { maxFound, type Check } from '../check.ts';

interface GivenUp {
  id: string;
  attempts: number;
}

/**
 * A record that has had all its tries. The services go on trying it every five minutes, in case somebody has mended what it
 * failed for, so that it is due for moments only: whether it is, says nothing.
 */
export const givenUp = (maxAttempts: number) => `attempts >= ${maxAttempts}`;

export const nothingGivenUp = (maxAttempts: number): Check => ({
  invariant: 6,
  title: 'no event has been given up',
  unit: ['outbox', 'outboxes'],
  async run({ query }) {
    const found = await Promise.all(
      servicesWithDatabase.map(async (service) => {
        const rows = await query<GivenUp>(
          service,
          `SELECT id, attempts FROM outbox WHERE ${givenUp(maxAttempts)} ORDER BY id LIMIT ${maxFound}`,
        );
        return rows.map(({ id, attempts }) => `outbox record ${id} of ${service} was given up after ${attempts} tries`);
      }),
    );
    return { counted: servicesWithDatabase.length, wrong: found.flat().slice(0, maxFound) };
  },
});
