import { Router, type RequestHandler } from 'express';
import { request } from 'undici';
import { serviceNames } from '../events/subscriptions.ts';

export interface Health {
  ready: boolean;
  /** `read-only`: answers, and refuses what is written to it. */
  checks: Record<string, 'ok' | 'away' | 'read-only' | 'draining'>;
}

const answerWithinMs = 1_500;
const shareForMs = 500;

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
  const ask = (path: string) =>
    Promise.all(
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
  const probe = (path: '/healthz' | '/readyz'): RequestHandler => {
    // Anybody may ask, as often as they like; the services are asked twice a second at most.
    let asked: { atMs: number; states: ReturnType<typeof ask> } | undefined;
    return async (_request, response) => {
      if (!asked || performance.now() - asked.atMs > shareForMs) asked = { atMs: performance.now(), states: ask(path) };
      const states = await asked.states;
      const ok = states.every(([, { status }]) => status === 'ok');
      if (!ok) response.set('Retry-After', '1');
      response
        .status(ok ? 200 : 503)
        .set('Cache-Control', 'no-store')
        .json({ status: ok ? 'ok' : 'degraded', services: Object.fromEntries(states) });
    };
  };
  const router = Router();
  router.get('/platform/healthz', probe('/healthz'));
  router.get('/platform/readyz', probe('/readyz'));
  return router;
}
