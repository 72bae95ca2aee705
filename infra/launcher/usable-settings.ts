/** Whether what a start is told can be used: found out before anything starts, by what checks it again once it has. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import {
  databaseSchema,
  underNewNames,
  UnusableConfiguration,
  unusableConfigurationCode,
} from '@flash-sale/shared/config.ts';
import { inWords } from '@flash-sale/shared/in-words.ts';
import type { ReadConfig } from '@flash-sale/shared/service/environments.ts';
import { settingProblem } from '@flash-sale/shared/setting-problems.ts';
import { edgeEnvironment, edgeSettings } from './edge-settings.ts';
import { templates } from './nginx.ts';
import { exportOfEach } from './service-exports.ts';
import { settingsOf } from './settings.ts';

const readConfigOf = await exportOfEach<ReadConfig>('src/config.ts', 'readConfig');

/** What is wrong with settings that every service and nginx get, a line each. @param port where the shop will listen */
export function settingProblems(given: Record<string, string>, port: number): string[] {
  const settings = underNewNames(given, () => undefined);
  const ofServices = serviceNames.flatMap((service) => problemsOf(service, settings));
  return [...new Set([...ofServices, ...edgeProblems(settings, port)])];
}

function problemsOf(service: ServiceName, settings: Record<string, string>): readonly string[] {
  try {
    readConfigOf[service]({ ...standIns(service), ...settings }, service);
    return [];
  } catch (error) {
    if (error instanceof UnusableConfiguration) return error.problems;
    throw error;
  }
}

/** In place of what the launcher will choose, and as valid: whatever is wrong is with the settings that were given. */
function standIns(service: ServiceName): Record<string, string> {
  const names = Object.keys(settingsOf[service].shape);
  const all = (pattern: RegExp, value: string): Record<string, string> =>
    Object.fromEntries(names.filter((name) => pattern.test(name)).map((name) => [name, value]));
  return { ...all(/_URL$/, 'amqp://127.0.0.1'), ...all(/(_SECRET|_TOKEN|_KEYS)$/, '01'.repeat(32)) };
}

function edgeProblems(settings: Record<string, string>, port: number): string[] {
  if (!Object.keys(settings).some((name) => name in edgeSettings)) return [];
  const folder = mkdtempSync(join(tmpdir(), 'flash-sale-edge-'));
  try {
    const env = edgeEnvironment(settings, { addresses: [], ports: [port] });
    const { status, stderr } = spawnSync('/bin/sh', [join(templates, 'edge.sh'), folder], { env, encoding: 'utf8' });
    return status === unusableConfigurationCode ? [stderr.trim()] : [];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { DATABASE_URL, REDIS_URL, AMQP_URL } = databaseSchema.shape;
const serversSchema = z.object({
  DATABASE_URL: DATABASE_URL.optional(),
  REDIS_URL: REDIS_URL.optional(),
  AMQP_URL,
});

/** The same of the servers that the environment names instead of private ones; an empty name is none. */
export function serverProblems(env: NodeJS.ProcessEnv): string[] {
  const named = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const { error } = serversSchema.safeParse(named, { error: inWords });
  return error?.issues.map((issue) => settingProblem(issue, serversSchema, named)) ?? [];
}
