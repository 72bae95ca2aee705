import type { SigningKey } from '@flash-sale/shared/signing-keys.ts';
import { Router } from 'express';
import type { Kysely } from 'kysely';
import { endedAfter } from './adapters/ended-sessions.ts';
import type { Tables } from './adapters/tables.ts';

/** For other services: which sessions have ended, and the keys of access tokens (a JWKS, RFC 7517). */
export function internalRoutes(db: Kysely<Tables>, keys: SigningKey[], keepEndedS: number): Router {
  const router = Router();
  router.get('/sessions/ended', async (request, response) => {
    const { after } = request.query;
    response.json(await endedAfter(db, typeof after === 'string' ? after : undefined, keepEndedS));
  });
  router.get('/jwks', (_request, response) => {
    response.json({ keys: keys.map((key) => key.publicKey) });
  });
  return router;
}
