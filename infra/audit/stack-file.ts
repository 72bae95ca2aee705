import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { stackNames } from '@flash-sale/shared/stacks.ts';
import { databases } from '../launcher/database-names.ts';
import { isAlive } from '../launcher/process-identity.ts';
import { findRunningStack, NotRunning } from '../launcher/running-stack.ts';
import type { AuditOptions } from './audit.ts';

const schema = z.object({
  launcher: z.object({ pid: z.number(), startedAt: z.string() }),
  stack: z.enum(stackNames),
  databaseUrls: z.record(z.enum(databases), z.url()),
  redisUrl: z.url(),
  amqpUrl: z.url().optional(),
  outboxMaxAttempts: z.number().optional(),
});

/** The stack of a launcher's run/stack.json, or the one that `npm start` runs. @throws NotRunning */
export function findStack(file: string | undefined): AuditOptions['stack'] {
  if (file === undefined) return findRunningStack();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new NotRunning(`There is no stack file at ${file}.`, { cause });
  }
  const parsed = z.string().transform(asJson).pipe(schema).safeParse(text);
  if (!parsed.success) throw new NotRunning(`${file} is not the stack file of a running stack (run/stack.json).`);
  if (!isAlive(parsed.data.launcher)) throw new NotRunning(`The stack of ${file} does not run any more.`);
  return parsed.data;
}

function asJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('no JSON');
    return z.NEVER;
  }
}
