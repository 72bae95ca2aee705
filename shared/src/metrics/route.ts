import { Router } from 'express';
import type { Metrics } from './metrics.ts';

/** `/metrics`, for Prometheus: on the service's own port only, nginx does not lead there. */
export function metricsRoute(metrics: Metrics): Router {
  return Router().get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.page());
  });
}
