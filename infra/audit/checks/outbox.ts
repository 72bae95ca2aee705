import { services } from '../../launcher/database-names.ts';
import { mostFound, type Check } from '../check.ts';

interface GivenUp {
  id: string;
  attempts: number;
}

/** A record whose last try is over: nobody will deliver it by itself. */
export const givenUp = (maxAttempts: number) => `attempts >= ${maxAttempts} AND next_attempt_at <= clock_timestamp()`;

export const nothingGivenUp = (maxAttempts: number): Check => ({
  invariant: 6,
  title: 'no event has been given up',
  unit: 'outboxes',
  async run({ query }) {
    const found = await Promise.all(
      services.map(async (service) => {
        const rows = await query<GivenUp>(
          service,
          `SELECT id, attempts FROM outbox WHERE ${givenUp(maxAttempts)} ORDER BY id LIMIT ${mostFound}`,
        );
        return rows.map(({ id, attempts }) => `outbox record ${id} of ${service} was given up after ${attempts} tries`);
      }),
    );
    return { counted: services.length, wrong: found.flat().slice(0, mostFound) };
  },
});
