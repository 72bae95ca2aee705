import { expect } from '@jest/globals';
import { servicesWithDatabase, type ServiceWithDatabase } from '@flash-sale/contract/services.ts';
import pg from 'pg';
import { runAudit } from '../../infra/audit/audit.ts';
import { countWaiting } from '../../infra/dlq/broker.ts';
import type { DatabaseName } from '../../infra/launcher/database-names.ts';
import type { Stack } from '../../infra/launcher/stack-types.ts';
import { until } from '../until.ts';

/** Runs a query as the auditor, who may read everything and change nothing. */
export async function ask<Row>(
  stack: Stack,
  database: DatabaseName,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: stack.databaseUrls[database], connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end();
  }
}

const comesToRestWithinMs = 90_000;

/** Waits until nothing is under way, and checks all invariants on the databases and Redis. */
export async function expectAuditClean(stack: Stack): Promise<void> {
  const { verdict, found, checks } = await runAudit({ stack, quietWithinMs: comesToRestWithinMs });
  expect({ verdict, found }).toEqual({ verdict: 'passed', found: [] });
  expect(checks.length).toBeGreaterThan(0);
}

/**
 * Resolves when no event is waiting in an outbox or in the broker. An event that a service has fetched but not committed is in
 * neither, which is why `booksAtRest` looks twice.
 */
export async function untilQuiet(stack: Stack, withinMs = comesToRestWithinMs): Promise<void> {
  let left: string[] = [];
  const look = async () => {
    left = (await Promise.all(servicesWithDatabase.map((service) => undeliveredIn(stack, service)))).flat();
    const messages = stack.amqpUrl === undefined ? 0 : await countWaiting(stack.amqpUrl);
    if (messages > 0) left.push(`messages in the broker: ${messages}`);
    return left.length === 0;
  };
  await until('nothing is under way any more', look, withinMs).catch((error: unknown) => {
    throw new Error(`still under way:\n${left.slice(0, 20).join('\n')}`, { cause: error });
  });
}

async function undeliveredIn(stack: Stack, service: ServiceWithDatabase): Promise<string[]> {
  const rows = await ask<{ what: string }>(
    stack,
    service,
    `SELECT 'outbox record ' || id || ' after ' || attempts || ' attempts: ' || left(events::text, 300) AS what FROM outbox
      ORDER BY id LIMIT 20`,
  );
  return rows.map(({ what }) => `${service}: ${what}`);
}
