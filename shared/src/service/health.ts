import { Router, type RequestHandler } from 'express';
import { request } from 'undici';
import { serviceNames } from '../events/subscriptions.ts';

export interface Health {
  ready: boolean;
  checks: Record<string, 'ok' | 'away' | 'draining'>;
}

const answerWithinMs = 1_500;

/** `/healthz`: the process answers. `/readyz`: it can do its work. */
export function healthRoutes(readiness: () => Promise<Health>): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  router.get('/readyz', async (_request, response) => {
    const health = await readiness();
    response
      .status(health.ready ? 200 : 503)
      .json({ status: health.ready ? 'ok' : 'not-ready', checks: health.checks });
  });
  return router;
}

/**
 * The state of the whole platform, answered by whichever instance nginx picks: it asks every service through the
 * internal listener, one instance each.
 */
export function platformHealthRoutes(options: { internalUrl: string; internalToken: string }): Router {
  const probe =
    (path: '/healthz' | '/readyz'): RequestHandler =>
    async (_request, response) => {
      const states = await Promise.all(
        serviceNames.map(async (name) => {
          try {
            const answer = await request(`${options.internalUrl}/internal/${name}${path}`, {
              headers: { authorization: `Bearer ${options.internalToken}` },
              headersTimeout: answerWithinMs,
              bodyTimeout: answerWithinMs,
            });
            return [name, (await answer.body.json()) as { status: string }] as const;
          } catch {
            return [name, { status: 'away' }] as const;
          }
        }),
      );
      const ok = states.every(([, { status }]) => status === 'ok');
      if (!ok) response.set('Retry-After', '1');
      response
        .status(ok ? 200 : 503)
        .set('Cache-Control', 'no-store')
        .json({ status: ok ? 'ok' : 'degraded', services: Object.fromEntries(states) });
    };
  const router = Router();
  router.get('/platform/healthz', probe('/healthz'));
  router.get('/platform/readyz', probe('/readyz'));
  return router;
}
