import { Router } from 'express';
import type { Metrics } from './metrics.ts';

/** `/metrics`, for Prometheus: on the service's own port only, nginx does not lead there. */
export function metricsRoute({ registry }: Metrics): Router {
  return Router().get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
}
