import { Router, type RequestHandler } from 'express';
import { request } from 'undici';
import { serviceNames } from '@flash-sale/contract/services.ts';

export interface Health {
  ready: boolean;
  /** `read-only`: answers, and refuses what is written to it. */
  checks: Record<string, 'ok' | 'away' | 'read-only' | 'draining'>;
}

/** How old the oldest piece of each kind of work is that is to be done and is not. */
export class WorkAges {
  readonly #reads = new Map<string, () => number | undefined>();

  /** @param ageMs answers nothing while all is done, or nobody knows */
  watch(work: string, ageMs: () => number | undefined): void {
    this.#reads.set(work, ageMs);
  }

  /** In ms, by kind; without those of which all is done. */
  read(): Record<string, number> {
    const ages = [...this.#reads].map(([work, ageMs]) => [work, ageMs()] as const);
    return Object.fromEntries(ages.filter((entry): entry is [string, number] => entry[1] !== undefined));
  }
}

const answerWithinMs = 1_500;
const shareForMs = 500;

/**
 * `/healthz`: the process answers. `/readyz`: it reaches what it needs, so it may be started, and be asked.
 * `/readyz?work`: it also gets its work done, none of which is older than `lateAfterMs`.
 */
export function healthRoutes(readiness: () => Promise<Health>, work: WorkAges, lateAfterMs: number): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  router.get('/readyz', async ({ query }, response) => {
    const { ready, checks } = await readiness();
    const late = 'work' in query ? Object.entries(work.read()).filter(([, ageMs]) => ageMs > lateAfterMs) : [];
    const lateSeconds = Object.fromEntries(late.map(([name, ageMs]) => [name, Math.round(ageMs / 1_000)]));
    const isWell = ready && late.length === 0;
    response.status(isWell ? 200 : 503).json({
      status: !ready ? 'not-ready' : isWell ? 'ok' : 'late',
      checks,
      ...(late.length > 0 ? { lateSeconds } : {}),
    });
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
  const probe = (path: '/healthz' | '/readyz?work'): RequestHandler => {
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
  router.get('/platform/readyz', probe('/readyz?work'));
  return router;
}
