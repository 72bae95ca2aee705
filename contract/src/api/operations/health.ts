import type { Operation } from '../operation.ts';
import { serviceNames } from '../../services.ts';
import * as schemas from '../schemas.ts';

const services = (status: string) => Object.fromEntries(serviceNames.map((name) => [name, { status }]));

const health = (id: string, path: string, summary: string): Operation => ({
  id,
  method: 'get',
  path,
  tag: 'Operations',
  summary,
  auth: 'anybody',
  answers: {
    200: {
      description: 'All services.',
      body: schemas.health,
      examples: { ok: { status: 'ok', services: services('ok') } },
    },
    503: {
      description: 'Not all services; or, as a problem, none.',
      body: schemas.health,
      headers: ['Retry-After'],
      examples: {
        degraded: { status: 'degraded', services: { ...services('ok'), order: { status: 'away' } } },
      },
    },
  },
  problems: [],
});

export const healthOperations: Operation[] = [
  health('healthz', '/healthz', 'Whether every service answers'),
  health('readyz', '/readyz', 'Whether every service can do its work'),
];
