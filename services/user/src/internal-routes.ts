import { Router } from 'express';
import type { Kysely } from 'kysely';
import { endedAfter } from './adapters/ended-sessions.ts';
import type { Tables } from './adapters/tables.ts';

/** What other services ask for, each second and each process. */
export function internalRoutes(db: Kysely<Tables>, keepEndedS: number): Router {
  const router = Router();
  router.get('/sessions/ended', async (request, response) => {
    const { after } = request.query;
    response.json(await endedAfter(db, typeof after === 'string' ? after : undefined, keepEndedS));
  });
  return router;
}
